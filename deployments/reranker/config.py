"""Settings of the reranker."""

from typing import Literal, Self

from pydantic import Field, model_validator

from deployments.encoding.config import EncodingArgs
from deployments.encoding.weights import PACKAGED_MODEL


class RerankerArgs(EncodingArgs):
    """Which engine judges passages, and how much of it runs at once.

    `model` is a sentence-transformers model for `late-interaction` and a `CrossEncoder` for
    `cross-encoder`, which runs one batch at a time over all cores, in its own precision, with 4096
    tokens in a batch where `max_batch_tokens` says nothing.
    """

    engine: Literal["late-interaction", "cross-encoder"] = "late-interaction"
    """`late-interaction` compares token vectors of an embedding model and needs no other weights;
    `cross-encoder` reads query and passage together: slower, and usually better."""

    cache_bytes: int = Field(default=512 * 2**20, ge=0)
    """Memory of one replica for token vectors of passages, so that a passage is encoded once and
    not for every query that finds it; one byte per dimension and token, about 50 kB for a passage
    of 128 tokens with all-MiniLM-L6-v2. The least recently used go first. 0 turns it off."""

    @model_validator(mode="after")
    def _cross_encoder_has_its_own_model(self) -> Self:
        if self.engine == "cross-encoder" and self.model == PACKAGED_MODEL:
            raise ValueError(f"'{PACKAGED_MODEL}' is no cross-encoder: name one as `model`")
        return self
