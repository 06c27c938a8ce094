"""Settings of the reranker."""

from typing import Literal, Self

from pydantic import Field, model_validator

from deployments.encoding.encoder import PACKAGED_MODEL, Precision
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

    precision: Precision = "auto"
    """Arithmetic of the matrix products; `auto` is bfloat16 where the hardware has it, else
    float32. A cross-encoder runs in its own precision."""

    threads: int = Field(default=1, ge=1)
    """CPU threads of one batch; as many batches run at once as fill the cores. One thread each
    gives the most texts per second, more of them the soonest answer to one long text."""

    max_batch_tokens: int = Field(default=1024, ge=1)
    """Padded tokens of one batch; see the embedder's."""

    max_batch_requests: int = Field(default=64, ge=1)
    """Texts, or pairs of query and text, of one batch."""

    max_queued_tokens: int = Field(default=262_144, ge=1)
    """Tokens that may wait. Over it the reranker refuses with `overloaded`."""

    @model_validator(mode="after")
    def _cross_encoder_has_its_own_model(self) -> Self:
        if self.engine == "cross-encoder" and self.model == PACKAGED_MODEL:
            raise ValueError(f"'{PACKAGED_MODEL}' is no cross-encoder: name one as `model`")
        return self
