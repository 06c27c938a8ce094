"""Wire forms of `/health`."""

from typing import Literal

from pydantic import Field

from app.schemas.wire import ResponseModel
from app.settings.cold.breaker import BreakerState


class Liveness(ResponseModel):
    """The gateway's process answers."""

    status: Literal["ok"] = Field(examples=["ok"])


class Dependency(ResponseModel):
    """Something that the gateway asks."""

    name: str = Field(description="Application and stage.", examples=["retrieval-minilm/embedder"])
    required: bool = Field(description="Whether no answer can be given without it.")
    status: Literal["ok", "failing"] = Field(examples=["ok"])
    detail: str = Field(default="", description="What is wrong.", examples=[""])
    latency_ms: float = Field(
        default=0.0, description="How long it took to say how it is.", examples=[3.1]
    )
    breaker: BreakerState = Field(
        default="closed",
        description="`open` where it is left alone because it failed several times, `half_open` "
        "while one call finds out whether it is back.",
        examples=["closed"],
    )


class Readiness(ResponseModel):
    """Whether questions can be answered, and which stage is missing if not."""

    status: Literal["ready", "not_ready"] = Field(examples=["ready"])
    releases: dict[str, dict[str, str]] = Field(
        description="`ok` or a sentence, by release and stage.",
        examples=[{"minilm-extractive": {"embedder": "ok", "generator": "ok"}}],
    )
    dependencies: list[Dependency] = Field(
        default_factory=list, description="Everything that is asked, also what can be missing."
    )
    settings_error: str = Field(
        default="",
        description="Why the settings deployed last do not hold; those before them do.",
        examples=[""],
    )
