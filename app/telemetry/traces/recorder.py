"""Writes the traces of requests, in a thread of its own, after they were answered."""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Thread

from app.settings.live.gateway import GatewayLive
from app.telemetry.requests import FinishedRequest
from app.telemetry.traces.attributes import RequestAttributes
from app.telemetry.traces.content import ContentRules
from app.telemetry.traces.spans import SpanMaker
from app.telemetry.traces.tail_rule import reason_to_keep
from deployments.contracts.erasure import ErasureScope
from deployments.tracing.counters import TraceCounters
from deployments.tracing.provider import SpoolingTracerProvider

_log = logging.getLogger("ray.serve")
_WAITING_REQUESTS = 2000
_REMEMBERED_TRACES = 1000
_INNER = ("item", "attempt")
_WITH_TEXTS = ("full", "redacted")
"""Content policies that leave something to be erased."""


@dataclass(frozen=True, slots=True)
class _InForce:
    """Settings, and the content rules that they make."""

    live: GatewayLive
    content: ContentRules


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A request whose trace is to be written, and why."""

    request: FinishedRequest
    why: str
    in_force: _InForce


class TraceRecorder:
    """A `Sink`: keeps the traces that the tail rule wants, with the texts that the content policy
    allows. Redacting a long answer takes milliseconds, which no other request shall wait for.

    Args:
        provider: Where spans go.
        counters: Told of spans that are dropped before they are made.
        salt: Key of the digests of the content policy `hash`.
        join_client_span: Whether a request's span lies below that of its client.
    """

    def __init__(
        self,
        provider: SpoolingTracerProvider,
        counters: TraceCounters,
        *,
        salt: bytes,
        join_client_span: bool,
    ) -> None:
        self._provider = provider
        self._counters = counters
        self._salt = salt
        self._maker = SpanMaker(provider.resource, join_client_span=join_client_span)
        self._in_force: _InForce | None = None
        self._waiting: Queue[_Wanted | None] = Queue(_WAITING_REQUESTS)
        self._traces_of_items: dict[int, None] = {}
        self._closed = False
        self._thread = Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    def use(self, live: GatewayLive) -> None:
        """Takes new settings.

        Raises:
            ConfigError: a content policy cannot be kept; the settings before stay.
        """
        self._in_force = _InForce(live, ContentRules(live.recording, self._salt))

    def take(self, request: FinishedRequest) -> None:
        """See `Sink.take`."""
        in_force = self._in_force
        if in_force is None:
            return
        why = reason_to_keep(request, in_force.live.recording)
        trace_id = request.trace.trace_id
        if why and request.kind in _INNER:
            self._remember(trace_id)
        elif request.kind == "request" and trace_id in self._traces_of_items:
            del self._traces_of_items[trace_id]
            why = why or "item"  # else what is inside it would hang in the air
        if not why:
            return
        if self._closed:
            self._counters.drop("shut_down", _count_spans(request))
            return
        try:
            self._waiting.put_nowait(_Wanted(request, why, in_force))
        except Full:
            self._counters.drop("queue_full", _count_spans(request))

    def erase(self, scope: ErasureScope) -> int:
        """Removes the spans of a conversation or a user that wait on disk, and returns how many; it
        blocks."""
        return self._provider.erase(scope)

    def close(self, timeout_s: float) -> None:
        """Writes what waits, and sends it or keeps it in the spool, within so many seconds."""
        deadline_s = time.monotonic() + timeout_s
        self._closed = True
        with suppress(Full):  # what is left over is counted below
            self._waiting.put(None, timeout=timeout_s / 2)
        self._thread.join(timeout_s / 2)
        self._drop_waiting()
        self._provider.shutdown(max(0.5, deadline_s - time.monotonic()))

    def _remember(self, trace_id: int) -> None:
        self._traces_of_items[trace_id] = None
        if len(self._traces_of_items) > _REMEMBERED_TRACES:
            del self._traces_of_items[next(iter(self._traces_of_items))]

    def _drop_waiting(self) -> None:
        """Counts what was not written in time."""
        with suppress(Empty):
            while True:
                wanted = self._waiting.get_nowait()
                if wanted is not None:
                    self._counters.drop("shut_down", _count_spans(wanted.request))

    def _run(self) -> None:
        while (wanted := self._waiting.get()) is not None:
            try:
                self._write(wanted)
            except Exception:
                self._counters.drop("unencodable", _count_spans(wanted.request))
                _log.exception("request %s has no trace", wanted.request.request_id)

    def _write(self, wanted: _Wanted) -> None:
        content, key_id = wanted.in_force.content, wanted.request.notes.key_id
        attributes = RequestAttributes(
            wanted.request,
            why_kept=wanted.why,
            prices=wanted.in_force.live.prices,
            keep_text=content.texts(key_id),
            keep_passage=content.passages(key_id),
            marks_user=content.policy(key_id) in _WITH_TEXTS,
        )
        self._provider.keep(self._maker.spans(wanted.request, attributes))


def _count_spans(request: FinishedRequest) -> int:
    attempt = request.notes.attempt
    stages = attempt.times.values() if attempt is not None else ()
    return 1 + sum(1 + len(spent.laps) for spent in stages)
