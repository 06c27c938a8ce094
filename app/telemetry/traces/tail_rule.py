"""Which traces are kept: decided once all of a request is known."""

from app.settings.live.recording import Recording
from app.telemetry.requests import TOO_MUCH, FinishedRequest

_STEADY = 2**64
"""Trace ids are random: their lower half decides, so that all parts of a client's trace are kept
or none is. Source: W3C Trace Context, level 2, section 5.1 (random trace id flag)."""


def reason_to_keep(request: FinishedRequest, recording: Recording) -> str:
    """Returns why the trace of a request is kept, empty where it is not: `error`, `slow`,
    `flagged`, `shadow`, `canary` or `sample`. What asks nothing, such as a list, has one only
    where the service failed; what was turned away because of overload has none: it would be the
    last straw."""
    notes = request.notes
    if notes.trace_wish == "none" and recording.allow_opt_out:
        return ""
    if request.outcome == "failed":
        return "error"
    if notes.trace_wish == "keep":
        return "flagged"
    if not notes.messages or notes.error in TOO_MUCH:
        return ""
    if request.total_ms > recording.slow_ms:
        return "slow"
    if request.kind == "shadow":
        return "shadow"
    if notes.arm == "canary":
        return "canary"
    sampled = (request.trace.trace_id % _STEADY) < recording.sample_ratio * _STEADY
    return "sample" if sampled else ""
