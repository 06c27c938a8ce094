"""From vLLM's output to ours: text, counts, log-probabilities, and why a text ended."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from deployments.contracts.errors import InvalidRequest, StageFailed, Unavailable
from deployments.contracts.generation import (
    Alternative,
    EngineDelta,
    FinishReason,
    Sampling,
    TokenLogprob,
)

if TYPE_CHECKING:
    from vllm.outputs import RequestOutput

_FINISH_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "repetition": "stop",
}


class Logprob(Protocol):
    """What vLLM says about a token at one place: `rank` counts from 1."""

    logprob: float
    rank: int | None
    decoded_token: str | None


def delta_of(output: "RequestOutput", sampling: Sampling, *, first: bool) -> EngineDelta:
    """Returns one step of a request's output.

    Args:
        output: What vLLM wrote since the last step.
        sampling: What was asked.
        first: Whether it is the first step.

    Raises:
        InvalidRequest: no text can have the output format that was asked.
        Unavailable: the engine was stopped.
        StageFailed: the engine gave the request up.
    """
    (written,) = output.outputs
    finish_reason = _finish_reason(written.finish_reason, sampling)
    delta = EngineDelta(
        text=written.text,
        completion_tokens=len(written.token_ids),
        logprobs=token_logprobs(written.token_ids, written.logprobs, top=sampling.top_logprobs),
        finish_reason=finish_reason,
    )
    if not first and finish_reason is None:
        return delta
    metrics = output.metrics
    return replace(
        delta,
        prompt_tokens=len(output.prompt_token_ids or ()),
        cached_tokens=output.num_cached_tokens or 0,
        queue_ms=max(0.0, metrics.scheduled_ts - metrics.queued_ts) * 1e3 if metrics else 0.0,
    )


def _finish_reason(reason: str | None, sampling: Sampling) -> FinishReason | None:
    if reason is None or reason in _FINISH_REASONS:
        return _FINISH_REASONS[reason] if reason else None
    if reason == "abort":
        raise Unavailable("The engine was stopped before the answer's end.", "generator")
    if sampling.output_format:
        raise InvalidRequest("The model cannot write text of this output format.", "generator")
    raise StageFailed("The engine gave this request up.", "generator")


def token_logprobs(
    token_ids: Sequence[int], places: Sequence[Mapping[int, Logprob]] | None, *, top: int | None
) -> tuple[TokenLogprob, ...]:
    """Returns what is known about each chosen token, with its `top` likeliest alternatives.

    Args:
        token_ids: The chosen tokens.
        places: Tokens with their log-probabilities, a mapping for each chosen token; it holds the
            likeliest ones, and the chosen one even if it is none of them.
        top: Alternatives that were asked for; None asks for nothing.
    """
    if top is None or not places:
        return ()
    return tuple(
        TokenLogprob(
            _text(place[chosen]),
            place[chosen].logprob,
            tuple(Alternative(_text(one), one.logprob) for one in _likeliest(place, top)),
        )
        for chosen, place in zip(token_ids, places, strict=True)
    )


def _likeliest(place: Mapping[int, Logprob], top: int) -> list[Logprob]:
    ranked = [one for one in place.values() if one.rank is not None and one.rank <= top]
    return sorted(ranked, key=lambda one: one.rank or 0)


def _text(token: Logprob) -> str:
    return token.decoded_token or ""
