"""The access line: one of the log for each request, as the fields of a JSON record. Never a word of
what was asked or answered, and never a key.

Ray Serve's JSON logging makes fields of a record members of the line; `request_id` and `route` are
its own.
"""

import logging

from app.telemetry.requests import FinishedRequest

_log = logging.getLogger("ray.serve")


class AccessLog:
    """A `Sink` that writes the access line. Questions of a batch and repetitions in shadow have a
    line of their own, under their own ids."""

    def take(self, request: FinishedRequest) -> None:
        """See `Sink.take`."""
        notes, route = request.notes, request.route or "(no route)"
        said = (request.method, route, request.status, request.total_ms, notes.release)
        _log.info("%s %s %d in %.1f ms %s", *said, extra=_fields(request))


def _fields(request: FinishedRequest) -> dict[str, object]:
    notes = request.notes
    known: dict[str, object] = {
        "event": request.kind,
        "method": request.method,
        "http_route": request.route,
        "status": request.status,
        "outcome": request.outcome,
        "error": notes.error,
        "id": request.request_id,
        "trace_id": request.trace.trace_hex,
        "total_ms": round(request.total_ms, 2),
        "release": notes.release,
        "rollout": notes.rollout,
        "arm": notes.arm or "",
        "tenant": notes.tenant,
        "key": notes.key_id,
    }
    if notes.attempt is not None:
        known["degraded"] = notes.attempt.degraded
        known["stages_ms"] = {
            stage: round(spent.total_ms, 2) for stage, spent in notes.attempt.times.items()
        }
    if notes.written is not None:
        known["model"] = notes.written.model
        known["prompt_tokens"] = notes.written.prompt_tokens
        known["completion_tokens"] = notes.written.completion_tokens
        known["finish_reason"] = notes.written.finish_reason
    return {name: value for name, value in known.items() if value not in ("", [], {})}
