"""Wire forms of `/v1/completions`: a raw prompt that a generator continues."""

from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.schemas.chat import GenerationUsage
from app.schemas.sampling import SamplingFields
from app.schemas.wire import ResponseModel
from deployments.contracts.generation import Sampling

_DEFAULT_MAX_TOKENS = 16
"""OpenAI's own for this endpoint."""


class CompletionRequest(SamplingFields):
    """OpenAI's request, with one text as its prompt."""

    neutral = {**SamplingFields.neutral, "echo": [False], "best_of": [1], "suffix": [""]}

    model: str = Field(
        min_length=1,
        max_length=256,
        description="A generator's name; `ragserve` takes that of the release, without documents.",
        examples=["smollm2"],
    )
    prompt: Annotated[str, Field(min_length=1, max_length=2_000_000)] = Field(
        examples=["Once upon a time"]
    )
    logprobs: int | None = Field(default=None, ge=0, le=5)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options needs stream: true")
        return self

    def sampling(self) -> Sampling:
        """See `SamplingFields.sampling`."""
        wishes = super().sampling()
        max_tokens = wishes.max_tokens or _DEFAULT_MAX_TOKENS
        return replace(wishes, max_tokens=max_tokens, top_logprobs=self.logprobs)


class CompletionLogprobs(ResponseModel):
    """Lists with one entry per token."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class CompletionChoice(ResponseModel):
    """The only one."""

    index: int = 0
    text: str
    logprobs: CompletionLogprobs | None = None
    finish_reason: Literal["stop", "length"]


class Completion(ResponseModel):
    """OpenAI's answer."""

    id: str = Field(examples=["cmpl-3f2a9c"])
    object: Literal["text_completion"] = "text_completion"
    created: int = Field(examples=[1767225600])
    model: str
    choices: list[CompletionChoice]
    usage: GenerationUsage
