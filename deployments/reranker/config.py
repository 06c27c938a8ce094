"""Settings of the reranker."""

from typing import Literal, Self

from pydantic import Field, model_validator

from deployments.encoding.encoder import PACKAGED_MODEL, Precision, RuntimeName
from deployments.settings import Settings


class RerankerArgs(Settings):
    """Which engine judges passages, and how much of it runs at once."""

    engine: Literal["late-interaction", "cross-encoder"] = "late-interaction"
    """`late-interaction` compares token vectors of an embedding model and needs no other weights;
    `cross-encoder` reads query and passage together: slower, and usually better."""

    model: str = PACKAGED_MODEL
    """A sentence-transformers model for `late-interaction`, a `CrossEncoder` for `cross-encoder`.
    """

    device: str | None = None
    """Torch device such as `cpu` or `cuda`. None takes the GPU where there is one."""

    runtime: RuntimeName = "auto"
    """What runs the model of `late-interaction`; see the embedder's."""

    precision: Precision = "auto"
    """Arithmetic of the matrix products; `auto` is bfloat16 where the hardware has it, else
    float32. A cross-encoder runs in its own precision."""

    threads: int = Field(default=1, ge=1)
    """CPU threads of one batch; see the embedder's."""

    max_batch_tokens: int | None = Field(default=None, ge=1)
    """Tokens that one batch costs at most; see the embedder's. 4096 for a cross-encoder."""

    max_batch_requests: int = Field(default=64, ge=1)
    """Texts, or pairs of query and text, of one batch."""

    max_queued_tokens: int = Field(default=262_144, ge=1)
    """Tokens that may wait. Over it the reranker refuses with `overloaded`."""

    max_queue_s: float = Field(default=5.0, gt=0)
    """Time a call may wait for its turn; see the embedder's."""

    cache_bytes: int = Field(default=512 * 2**20, ge=0)
    """Memory of one replica for token vectors of passages, so that a passage is encoded once and
    not for every query that finds it; one byte per dimension and token, about 98 kB for a passage
    of 256 tokens with all-MiniLM-L6-v2. The least recently used go first. 0 turns it off."""

    @model_validator(mode="after")
    def _cross_encoder_has_its_own_model(self) -> Self:
        if self.engine == "cross-encoder" and self.model == PACKAGED_MODEL:
            raise ValueError(f"'{PACKAGED_MODEL}' is no cross-encoder: name one as `model`")
        return self
