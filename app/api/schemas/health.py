"""Wire forms of `/health`."""

from typing import Literal

from pydantic import Field

from app.api.schemas.wire import ResponseModel


class Liveness(ResponseModel):
    """The gateway's process answers."""

    status: Literal["ok"] = Field(examples=["ok"])


class Readiness(ResponseModel):
    """Whether questions can be answered, and which stage is missing if not."""

    status: Literal["ready", "not_ready"] = Field(examples=["ready"])
    releases: dict[str, dict[str, str]] = Field(
        description="`ok` or a sentence, by release and stage.",
        examples=[{"minilm-extractive": {"embedder": "ok", "generator": "ok"}}],
    )
    settings_error: str = Field(
        default="",
        description="Why the settings deployed last do not hold; those before them do.",
        examples=[""],
    )
