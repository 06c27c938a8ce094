"""A request that has ended, and everything that is told of it and keeps something of it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from app.request.notes import RequestNotes
from app.request.trace_context import TraceContext

_log = logging.getLogger("ray.serve")

Kind = Literal["request", "line", "item", "shadow", "attempt"]
"""One over HTTP; a line of a batch of work, which the service asks of itself; one question of
`/v1/query/batch`, inside such a request; one that was repeated on a release in shadow; what a
canary made of a request that stable answered in its place."""

Outcome = Literal["ok", "refused", "failed", "aborted"]
"""Answered; turned down because of what was asked or how often; not answered, or not to its end;
the client left."""

CLIENT_LEFT = 499
TOO_MUCH = ("overloaded", "rate_limited")


@dataclass(frozen=True, slots=True)
class FinishedRequest:
    """All that is known of a request.

    Attributes:
        request_id: Its id.
        kind: What kind of request it was.
        trace: Its place in its trace.
        method: Of HTTP.
        route: The path of the route that served it, with names in place of values; empty for none.
        status: Of HTTP; 499 where the client left before an answer began.
        started_ns: When it came, in nanoseconds since the epoch.
        total_ms: Time until the end of the answer.
        notes: What was filled in on the way.
    """

    request_id: str
    kind: Kind
    trace: TraceContext
    method: str
    route: str
    status: int
    started_ns: int
    total_ms: float
    notes: RequestNotes

    @property
    def is_of_its_release(self) -> bool:
        """Whether it tells how its release does: a repetition in shadow was answered by another,
        and a line of a batch stands back for others."""
        return self.kind not in ("shadow", "line")

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        notes = self.notes
        if self.status == CLIENT_LEFT:
            return "aborted"
        if 400 <= self.status < 500 or (notes.error in TOO_MUCH and self.status >= 400):
            return "refused"
        if self.status >= 500 or notes.error:
            return "failed"
        streamed = notes.attempt is not None and "generator" in notes.attempt.times
        return "aborted" if streamed and notes.written is None else "ok"


class Sink(Protocol):
    """Keeps something of requests. It is called on the event loop after the answer went out: it
    must neither wait nor compute for long."""

    def take(self, request: FinishedRequest) -> None:
        """Notes a request that has ended."""
        ...


class Telemetry:
    """Where requests are reported.

    Args:
        sinks: Who is told, in this order.
    """

    def __init__(self, sinks: Sequence[Sink] = ()) -> None:
        self._sinks = tuple(sinks)

    def add(self, sink: Sink) -> None:
        """Has one more told, after the others."""
        self._sinks = (*self._sinks, sink)

    def finished(self, request: FinishedRequest) -> None:
        """Reports a request that has ended, once."""
        for sink in self._sinks:
            try:
                sink.take(request)
            except Exception:
                _log.exception("request %s is not on record", request.request_id)
