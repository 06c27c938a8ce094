"""What travels between us and a server that speaks OpenAI's protocol: the body of a request, and
the chunks of a streamed answer.

Fields that OpenAI does not know go out under the names that vLLM gave them; a server that knows
neither refuses the request, which is better than an answer that ignores what was asked.
"""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from deployments.contracts.errors import BackendFailed, InvalidRequest
from deployments.contracts.generation import (
    Alternative,
    FinishReason,
    OutputFormat,
    Prompt,
    Sampling,
    TokenLogprob,
)

STAGE = "generator"
_SAME_NAME = (
    "max_tokens",
    "min_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "seed",
)
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
    included: its log-probabilities where there are any, else one for any text."""

    text: str = ""
    tokens: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()
    finish_reason: FinishReason | None = None
    usage: Usage | None = None


def request_path(prompt: Prompt) -> str:
    """Returns the path below the base URL that takes this prompt."""
    return "chat/completions" if prompt.text is None else "completions"


def request_body(model: str, prompt: Prompt, sampling: Sampling, *, asks_usage: bool) -> bytes:
    """Returns the JSON body of a streaming request.

    Raises:
        InvalidRequest: a number is infinite or not a number.
    """
    body: dict[str, object] = {"model": model, "stream": True}
    if asks_usage:
        body["stream_options"] = {"include_usage": True}
    if prompt.text is None:
        body["messages"] = [
            {"role": message.role, "content": message.content} for message in prompt.messages
        ]
    else:
        body["prompt"] = prompt.text
    body |= _sampling_fields(sampling, is_chat=prompt.text is None)
    try:
        encoded = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise InvalidRequest("A number of the request is infinite or not a number.") from error
    return encoded.encode("utf-8", "replace")


def _sampling_fields(sampling: Sampling, *, is_chat: bool) -> dict[str, object]:
    fields = {name: getattr(sampling, name) for name in _SAME_NAME}
    fields = {name: value for name, value in fields.items() if value is not None}
    if sampling.stop:
        fields["stop"] = list(sampling.stop)
    if sampling.ignore_eos:
        fields["ignore_eos"] = True
    if sampling.logit_bias:
        fields["logit_bias"] = {str(token): bias for token, bias in sampling.logit_bias.items()}
    if sampling.top_logprobs is not None:
        counts = {"logprobs": True, "top_logprobs": sampling.top_logprobs}
        fields |= counts if is_chat else {"logprobs": sampling.top_logprobs}
    return fields | _format_fields(sampling.output_format)


def _format_fields(output_format: OutputFormat) -> dict[str, object]:
    """Source: vLLM's structured outputs, https://docs.vllm.ai/en/latest/features/structured_outputs
    for `regex` and `choice`, which OpenAI has not."""
    if output_format.regex is not None:
        return {"structured_outputs": {"regex": output_format.regex}}
    if output_format.choice:
        return {"structured_outputs": {"choice": list(output_format.choice)}}
    if output_format.json_schema is None:
        return {}
    if not output_format.json_schema:
        return {"response_format": {"type": "json_object"}}
    # Without `strict`, OpenAI takes a schema for a wish.
    schema = {"name": "answer", "schema": dict(output_format.json_schema), "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


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


class _Delta(_Wire):
    content: str | None = None
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
    written = text or delta.reasoning or delta.reasoning_content
    return Piece(
        text=text,
        tokens=len(logprobs) or (1 if written else 0),
        logprobs=logprobs,
        finish_reason=_finish_reason_of(choice.finish_reason),
        usage=usage,
    )


def _finish_reason_of(reason: str | None) -> FinishReason | None:
    if not reason:
        return None
    match reason:
        case "length" | "content_filter":
            return reason
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
