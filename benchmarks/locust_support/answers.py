"""Whether an answer of the service is one: the right status, a request id, and something in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.load.driver import Outcome

_REFUSALS = frozenset({429, 503})
_DONE = b"data: [DONE]\n\n"
_DEFAULT_RETRY_AFTER_S = 1.0
_MAX_RETRY_AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a request; `detail` says why it is not ok, and `retry_after_s` how long a
    client that was refused must wait."""

    outcome: Outcome
    detail: str = ""
    retry_after_s: float = 0.0


def judge_answer(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    *,
    field: str,
    error: Exception | None = None,
) -> tuple[Judgement, object]:
    """Returns the judgement, and the value of `field` of the body (None unless the request is ok).

    A refusal says when to come back; 429 or 503 without `Retry-After` is a failure.

    Args:
        status: HTTP status, 0 when there was no answer.
        headers: Of the answer, their names in any case.
        content: The body.
        field: Key of the JSON body whose value must not be empty.
        error: Why there was no answer.
    """
    judgement = _judge_head(status, headers, error)
    if judgement.outcome != "ok":
        return judgement, None
    try:
        body = json.loads(content)
    except ValueError:
        return Judgement("failed", "the body is not JSON"), None
    value = body.get(field) if isinstance(body, dict) else None
    if not value:
        return Judgement("failed", f"nothing under '{field}'"), None
    return Judgement("ok"), value


def judge_stream(
    status: int, headers: Mapping[str, str], content: bytes, *, error: Exception | None = None
) -> Judgement:
    """Returns the judgement of a stream in OpenAI's form, read to its end; arguments as
    `judge_answer`."""
    judgement = _judge_head(status, headers, error)
    if judgement.outcome == "ok" and not content.endswith(_DONE):
        return Judgement("failed", "the stream broke off")
    return judgement


def _judge_head(status: int, headers: Mapping[str, str], error: Exception | None) -> Judgement:
    told = {name.lower(): value for name, value in headers.items()}
    if status in _REFUSALS and "retry-after" in told:
        return Judgement("refused", f"HTTP {status}", _seconds(told["retry-after"]))
    if not status:
        return Judgement("failed", f"no answer: {type(error).__name__}")
    if status != 200:
        return Judgement("failed", f"HTTP {status}")
    if not told.get("x-request-id"):
        return Judgement("failed", "no request id")
    return Judgement("ok")


def _seconds(told: str) -> float:
    # HTTP also allows a date there.
    seconds = float(told) if told.isdecimal() else _DEFAULT_RETRY_AFTER_S
    return min(seconds, _MAX_RETRY_AFTER_S)
