"""Settings of the reranker."""

from typing import Literal, Self

from pydantic import Field, model_validator

from deployments.encoding.config import EncodingArgs
from deployments.encoding.weights import PACKAGED_MODEL


class SecondOpinionArgs(EncodingArgs):
    """A cross-encoder that judges the best of what late interaction has judged; `model` as for the
    engine `cross-encoder`."""

    first: int = Field(default=10, ge=1, le=1000)
    """Passages it judges: so many of the best. Each is a run of the model for each question."""

    weight: float = Field(default=0.2, gt=0.0, le=1.0)
    """What its score, from 0 to 1, adds to that of late interaction; passages that it does not
    judge get nothing added."""

    @model_validator(mode="after")
    def _has_a_model_of_its_own(self) -> Self:
        if self.model == PACKAGED_MODEL:
            raise ValueError(f"'{PACKAGED_MODEL}' is no cross-encoder: name one as `model`")
        return self


class RerankerArgs(EncodingArgs):
    """Which engine judges passages, and how much of it runs at once.

    `model` is an embedding model for `late-interaction`, or one that was trained for it; and for
    `cross-encoder` a `CrossEncoder` of sentence-transformers by name or folder, which runs one
    batch at a time over all cores, in its own precision, with 4096 tokens in a batch where
    `max_batch_tokens` says nothing. Any of them may be a folder of ONNX.
    """

    engine: Literal["late-interaction", "cross-encoder"] = "late-interaction"
    """`late-interaction` compares token vectors of an embedding model and needs no other weights;
    `cross-encoder` reads query and passage together: slower, and usually better."""

    cache_bytes: int = Field(default=512 * 2**20, ge=0)
    """Memory of one replica for token vectors of passages, so that a passage is encoded once and
    not for every query that finds it; one byte per dimension and token, about 50 kB for a passage
    of 128 tokens with all-MiniLM-L6-v2. The least recently used go first. 0 turns it off."""

    second_opinion: SecondOpinionArgs | None = None
    """A cross-encoder that reads the best passages of late interaction once more."""

    @model_validator(mode="after")
    def _cross_encoder_has_its_own_model(self) -> Self:
        if self.engine == "cross-encoder" and self.model == PACKAGED_MODEL:
            raise ValueError(f"'{PACKAGED_MODEL}' is no cross-encoder: name one as `model`")
        if self.engine == "cross-encoder" and self.second_opinion is not None:
            raise ValueError("`second_opinion` is for the engine `late-interaction`")
        return self
