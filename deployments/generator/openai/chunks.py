"""The chunks of an answer that a server streams in OpenAI's protocol."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from deployments.contracts.errors import BackendFailed
from deployments.contracts.generation import Alternative, FinishReason, TokenLogprob
from deployments.contracts.tools import ToolCallDelta
from deployments.generator.openai.wire import STAGE

UNREADABLE = "The model server answered what cannot be read."


@dataclass(frozen=True, slots=True)
class Usage:
    """The server's own counts of a request."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk of the answer. `tokens` counts what the chunk holds, tokens of hidden reasoning
    included: its log-probabilities where there are any, else one for any text or piece of a
    call."""

    text: str = ""
    tokens: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    calls: tuple[ToolCallDelta, ...] = ()


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Details(_Wire):
    cached_tokens: int | None = None


class _Usage(_Wire):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Alternative(_Wire):
    token: str
    logprob: float


class _Token(_Alternative):
    top_logprobs: list[_Alternative] | None = None


class _Logprobs(_Wire):
    """`content` is what chats carry, the parallel lists are what raw completions carry."""

    content: list[_Token] | None = None
    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None
    top_logprobs: list[dict[str, float] | None] | None = None


class _Function(_Wire):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class _ToolCall(_Wire):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(_Wire):
    content: str | None = None
    tool_calls: list[_ToolCall] | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None


class _Choice(_Wire):
    delta: _Delta | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Chunk(_Wire):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None


def read_piece(payload: Any) -> Piece:
    """Returns what a decoded chunk says; raises BackendFailed for one that says nothing known."""
    try:
        chunk = _Chunk.model_validate(payload)
    except ValidationError as error:
        raise BackendFailed(UNREADABLE, STAGE) from error
    if chunk.choices is None and chunk.usage is None:
        raise BackendFailed(UNREADABLE, STAGE)
    usage = _usage_of(chunk.usage) if chunk.usage else None
    if not chunk.choices:
        return Piece(usage=usage)
    choice = chunk.choices[0]
    delta = choice.delta or _Delta()
    # A model that declines to answer says so in a field of its own.
    text = choice.text or delta.content or delta.refusal or ""
    logprobs = _logprobs_of(choice.logprobs) if choice.logprobs else ()
    calls = _calls_of(delta.tool_calls or ())
    written = text or calls or delta.reasoning or delta.reasoning_content
    return Piece(
        text=text,
        tokens=len(logprobs) or (1 if written else 0),
        logprobs=logprobs,
        finish_reason=_finish_reason_of(choice.finish_reason),
        usage=usage,
        calls=calls,
    )


def _calls_of(pieces: Sequence[_ToolCall]) -> tuple[ToolCallDelta, ...]:
    """Returns pieces of calls. Servers that send a call whole may leave its number out, or give its
    arguments as an object."""
    found = []
    for place, piece in enumerate(pieces):
        function = piece.function or _Function()
        arguments = function.arguments or ""
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments, ensure_ascii=False)
        index = place if piece.index is None else piece.index
        found.append(ToolCallDelta(index, piece.id or "", function.name or "", arguments))
    return tuple(found)


def _finish_reason_of(reason: str | None) -> FinishReason | None:
    if not reason:
        return None
    match reason:
        case "length" | "content_filter" | "tool_calls":
            return reason
        case "function_call":
            return "tool_calls"
    return "stop"


def _usage_of(usage: _Usage) -> Usage:
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None
    return Usage(usage.prompt_tokens or 0, usage.completion_tokens or 0, cached or 0)


def _logprobs_of(logprobs: _Logprobs) -> tuple[TokenLogprob, ...]:
    if logprobs.content is not None:
        return tuple(
            TokenLogprob(
                one.token,
                one.logprob,
                tuple(Alternative(top.token, top.logprob) for top in one.top_logprobs or ()),
            )
            for one in logprobs.content
        )
    tokens, values = logprobs.tokens or [], logprobs.token_logprobs or []
    tops = logprobs.top_logprobs or [None] * len(tokens)
    return tuple(
        TokenLogprob(token, value, _best_first(top or {}))
        for token, value, top in zip(tokens, values, tops, strict=False)
        if value is not None
    )


def _best_first(top: dict[str, float]) -> tuple[Alternative, ...]:
    return tuple(
        Alternative(token, value) for token, value in sorted(top.items(), key=lambda item: -item[1])
    )
