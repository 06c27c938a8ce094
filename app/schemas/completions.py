"""Wire forms of `/v1/completions`: a raw prompt that a generator continues."""

from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from app.schemas.chat import GenerationUsage
from app.schemas.moderations import Blocked
from app.schemas.sampling import NotHere, WritingFields
from app.schemas.wire import ResponseModel, refused, unsupported
from deployments.contracts.generation import FinishReason, Sampling

_DEFAULT_MAX_TOKENS = 16
"""OpenAI's own for this endpoint."""


def _only_one(prompt: Any) -> Any:
    """Returns the only text of a list, as some clients send it."""
    if isinstance(prompt, list) and len(prompt) > 1 and isinstance(prompt[0], str | list):
        raise unsupported("only 1 prompt is gone on with for a request")
    return prompt[0] if isinstance(prompt, list) and prompt else prompt


class CompletionRequest(WritingFields):
    """OpenAI's request, with one text as its prompt."""

    neutral = {**WritingFields.neutral, "echo": [False], "best_of": [1], "suffix": [""]}

    tool_choice: Annotated[NotHere, refused("no tools are called here")] = None
    tools: Annotated[NotHere, refused("no tools are called here")] = None
    echo: Annotated[NotHere, refused("the prompt is not repeated")] = None
    best_of: Annotated[NotHere, refused("only 1 answer is written for a request")] = None
    suffix: Annotated[NotHere, refused("nothing is written into the middle of a text")] = None
    response_format: Annotated[NotHere, refused("give `structured_outputs`")] = None

    model: str = Field(
        min_length=1,
        max_length=256,
        description="A generator's name; `ragserve` takes that of the release, without documents.",
        examples=["smollm2"],
    )
    prompt: Annotated[
        str, BeforeValidator(_only_one), Field(min_length=1, max_length=2_000_000)
    ] = Field(description="A text, or a list of one.", examples=["Once upon a time"])
    logprobs: int | None = Field(default=None, ge=0, le=5)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options needs stream: true")
        return self

    def sampling(self) -> Sampling:
        """See `WritingFields.sampling`."""
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
    finish_reason: FinishReason


class CompletionProvenance(ResponseModel):
    """Our own member of a completion."""

    request_id: str = Field(description="As `X-Request-ID`.", examples=["3f2a9c"])
    model: str = Field(description="The model that wrote it.", examples=["smollm2"])
    release: str | None = Field(description="Null for an answer without a release.")
    degraded: list[str] = Field(
        default_factory=list, description="What the request had to do without."
    )
    blocked: Blocked | None = Field(
        default=None, description="Why a moderation policy has ended the answer."
    )
    ignored: list[str] = Field(description="Fields of the request that nothing here knows.")


class Completion(ResponseModel):
    """OpenAI's answer."""

    id: str = Field(examples=["cmpl-3f2a9c"])
    object: Literal["text_completion"] = "text_completion"
    created: int = Field(examples=[1767225600])
    model: str = Field(description="As the request named it.", examples=["smollm2"])
    choices: list[CompletionChoice]
    usage: GenerationUsage
    ragserve: CompletionProvenance
