"""What goes to a generator and what comes back from it: a conversation in, a stream of events out.

Frozen values, as in `deployments.contracts.documents`; nothing here imports a framework.
"""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal, Protocol

from deployments.contracts.calls import CallContext, Times
from deployments.contracts.pickling import pickled_by_fields
from deployments.contracts.search import ScoredChunk
from deployments.contracts.stages import Stage
from deployments.contracts.tools import Choice, ToolCall, ToolCallDelta, ToolUse

_CITATION = re.compile(r"\s*\[\d+\]")
Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "content_filter", "tool_calls"]


@dataclass(frozen=True, slots=True)
class Citation:
    """Characters `start:end` of the answer rest on context chunk `source` (counted from 1)."""

    start: int
    end: int
    source: int


def without_citations(text: str) -> str:
    """Returns an answer without its `[1]`: a number of a source is no part of what it says."""
    return _CITATION.sub("", text)


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that could have been chosen; `logprob` is natural."""

    token: str
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A chosen token with its natural log-probability, and the likeliest ones, best first."""

    token: str
    logprob: float
    top: tuple[Alternative, ...] = ()


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class Generation:
    """What the generator wrote. `grounded` is False when the context did not support an answer,
    `answerability` in [0, 1] how likely it does, where the engine estimates it.

    `prompt` names the prompt that was used, `context` the ranks of the chunks that fitted it;
    `ttft_ms` is the time from the arrival at the replica to the first token; `passed_over` counts
    the generators that should have written it and could not; `calls` are the functions that it
    calls.
    """

    text: str
    citations: tuple[Citation, ...]
    grounded: bool
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    model: str
    times: Times = Times()
    cached_tokens: int = 0
    prompt: str = ""
    context: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    ttft_ms: float = 0.0
    passed_over: int = 0
    answerability: float | None = None
    calls: tuple[ToolCall, ...] = ()


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. A turn of the assistant may call functions, and a turn of a tool
    says what came of the call with `call_id`: its content, or the chunks of the context with the
    ranks `found`."""

    role: Role
    content: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    found: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """What the text must look like. At most one of the three is set; none means free text.

    `json_schema` is a JSON schema, `{}` for any JSON object; `regex` and `choice` are as vLLM
    takes them.
    """

    json_schema: Mapping[str, object] | None = None
    regex: str | None = None
    choice: tuple[str, ...] = ()
    asked_by: str = field(default="response_format", compare=False)
    """The client's field, which an error names."""

    def __bool__(self) -> bool:
        return self.json_schema is not None or self.regex is not None or bool(self.choice)


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen; None means what the engine's own configuration says.

    `top_logprobs` counts the alternatives reported with each token; None reports no
    log-probabilities at all.
    """

    max_tokens: int | None = None
    min_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    ignore_eos: bool = False
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    top_logprobs: int | None = None
    output_format: OutputFormat = OutputFormat()

    def asked(self) -> list[str]:
        """Returns the fields that differ from their defaults, as clients name them: what an engine
        without sampling must refuse."""
        default = Sampling()
        names = {"top_logprobs": "logprobs", "output_format": self.output_format.asked_by}
        return [
            names.get(name, name)
            for name in self.__slots__
            if getattr(self, name) != getattr(default, name)
        ]


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What to write.

    Args:
        messages: The conversation, oldest first; the last one is the user's, or what came of a
            call. Empty where `text` is given.
        question: The conversation's last question as one that stands alone; empty where the last
            message is one.
        context: Chunks that the answer may use, best first; empty says that nothing was found;
            None asks for plain generation without retrieval.
        prompt: Name of the prompt, such as `answer-v2`; used where there is a context.
        text: A raw prompt to continue, as `/v1/completions` takes it.
        sampling: How tokens are chosen.
        tools: Functions that may be called.
        respellings: Words of the question with what they were read as.
    """

    messages: tuple[Message, ...] = ()
    question: str = ""
    context: tuple[ScoredChunk, ...] | None = None
    prompt: str = ""
    text: str | None = None
    sampling: Sampling = Sampling()
    tools: ToolUse = ToolUse()
    respellings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """What an engine is given: `messages`, or `text` alone.

    `question` and `context` are what the messages were written from, for engines that do not read
    messages; `respellings` are words of the question with what they were read as.
    """

    messages: tuple[Message, ...] = ()
    text: str | None = None
    question: str = ""
    context: tuple[ScoredChunk, ...] = ()
    tools: ToolUse = ToolUse()
    respellings: tuple[tuple[str, str], ...] = ()


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class EngineDelta:
    """A piece of text as an engine wrote it.

    Text and tokens do not keep step: a token may be half a character, and stop strings are held
    back. The last delta carries `finish_reason`, and with it the engine's own counts.
    """

    text: str = ""
    completion_tokens: int = 0
    """Tokens of this delta."""
    logprobs: tuple[TokenLogprob, ...] = ()
    finish_reason: FinishReason | None = None
    prompt_tokens: int = 0
    """Tokens of the prompt; set on the first delta and on the last one."""
    cached_tokens: int = 0
    """Tokens of the prompt that were not computed again; set with `prompt_tokens`."""
    queue_ms: float = 0.0
    """Time until the engine took the request up; set on the first delta, where it is known."""
    citations: tuple[Citation, ...] | None = None
    """Set on the last delta by an engine that knows what it cites; None leaves it to the text."""
    grounded: bool | None = None
    """As `citations`."""
    answerability: float | None = None
    """How likely the context answers the question, in [0, 1]; set on the last delta by an engine
    that estimates it."""
    calls: tuple[ToolCallDelta, ...] = ()
    """Pieces of calls that the model makes."""


class Engine(Protocol):
    """Writes text. One per replica.

    `stream` is an async generator: closing it, or cancelling who awaits it, frees the engine at
    once. It raises only our errors: InvalidRequest and PromptTooLong for what is the caller's
    fault, else a StageError.
    """

    async def start(self) -> None:
        """Loads the model and runs it once; raises ConfigError for settings that cannot work."""
        ...

    async def count_tokens(self, prompt: Prompt) -> int:
        """Returns the tokens of a prompt, those of the chat template included."""
        ...

    @property
    def max_model_tokens(self) -> int | None:
        """Bound on the tokens of prompt and completion together; None where there is none."""
        ...

    @property
    def is_language_model(self) -> bool:
        """Whether it reads the messages of a prompt, and writes without a context. One that quotes
        needs the question and the context alone, so no messages are written for it."""
        ...

    @property
    def tool_choices(self) -> tuple[Choice, ...]:
        """Which choices of functions it can honour; empty for an engine that calls none."""
        ...

    def stream(
        self, prompt: Prompt, sampling: Sampling, *, call: CallContext
    ) -> AsyncGenerator[EngineDelta, None]:
        """Yields the text as it is written; the last delta has a `finish_reason`."""
        ...

    async def check_health(self) -> None:
        """Raises when the engine cannot work any more."""
        ...

    async def reach(self, *, timeout_s: float) -> None:
        """Raises Unavailable when what it needs outside of this process does not answer in time."""
        ...

    async def close(self) -> None:
        """Frees what it holds."""
        ...


@dataclass(frozen=True, slots=True)
class Started:
    """The first event of a stream, sent with the first piece of text: from here on, the answer has
    a status."""

    model: str
    prompt_tokens: int
    cached_tokens: int = 0
    prompt: str = ""
    """Name of the prompt that was used; empty for plain generation."""
    context: tuple[int, ...] = ()
    """Ranks of the chunks that fitted the prompt."""
    times: Times = Times()
    is_quoted: bool = False
    """Whether the answer is made of statements of the sources alone, each with its citation."""


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer, of `completion_tokens` tokens: text with what it cites, pieces of
    calls."""

    text: str
    completion_tokens: int
    logprobs: tuple[TokenLogprob, ...] = ()
    citations: tuple[Citation, ...] = ()
    calls: tuple[ToolCallDelta, ...] = ()


GenerationEvent = Started | TextDelta | Generation
"""Events of a stream in order: one Started, deltas, one Generation that holds the whole."""

Events = AsyncGenerator[Sequence[GenerationEvent], None]
"""A stream of events, as many at a time as there are. Whoever reads it closes it."""


class GeneratorStage(Stage, Protocol):
    """Writes the answer from a conversation and its context."""

    def stream(
        self, request: GenerationRequest, *, call: CallContext, begin_timeout_s: float
    ) -> Events:
        """Yields the answer as events, some at a time; an empty context gives an answer that says
        so.

        Args:
            request: What to write.
            call: The request, and the time until the end of the answer.
            begin_timeout_s: Time until the first events.

        Raises:
            RequestError: the request cannot be honoured; only before the first event.
            DeadlineExceeded: it did not begin, go on or end in time.
            Overloaded, Unavailable, StageFailed.
        """
        ...


async def collect(events: Events) -> Generation:
    """Returns the whole answer of a stream, which is read to its end and closed."""
    last: GenerationEvent | None = None
    async with aclosing(events):
        async for batch in events:
            last = batch[-1]
    assert isinstance(last, Generation), "a stream ends with its Generation or an error"
    return last
