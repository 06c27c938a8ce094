"""Metrics that are read now and then: what became of spans and of usage, how much is admitted."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar, get_args

from app.cache.counts import CacheCounts
from app.limits.counts import LimitCounts
from app.settings.cold.breaker import BreakerState, BreakerStates
from deployments.serving.every import every
from deployments.telemetry import catalog
from deployments.telemetry.metric import Meter
from deployments.tracing.counters import DropReason, TraceCounts

Name = TypeVar("Name", bound=str)

READ_EVERY_S = 5.0
"""Ray sends metrics on every 10 s, and forgets a gauge that was not set for 20 s."""


class Admission(NamedTuple):
    """How much is admitted: the requests that are worked on, and their bound."""

    open_requests: int
    limit: int


class Gauges:
    """Reads counts of this process into metrics.

    Args:
        meter: Makes the metrics.
        spans: Returns what became of spans; None where none are recorded.
        activity: Returns how much activity is lost, by what it was; None where none is told.
        admission: Returns how much is admitted; None as long as there is no gate.
        breakers: Returns the state of each circuit breaker, by application and stage.
        limits: Returns how limits and budgets do; None where there are none.
        cache: Returns how the response cache does; None where there is none.
        evaluations: Returns what became of answers that were to be judged, by release and outcome.
    """

    def __init__(
        self,
        meter: Meter,
        *,
        spans: Callable[[], TraceCounts] | None = None,
        activity: Callable[[], Mapping[str, int]] | None = None,
        admission: Callable[[], Admission | None] = lambda: None,
        breakers: BreakerStates = dict,
        limits: Callable[[], LimitCounts] | None = None,
        cache: Callable[[], CacheCounts] | None = None,
        evaluations: Callable[[], Mapping[tuple[str, str], int]] = dict,
    ) -> None:
        self._read_evaluations = evaluations
        self._evaluations = meter.counter(catalog.EVALUATIONS)
        self._evaluated: Mapping[tuple[str, str], int] = {}
        self._read_limits = limits
        self._read_cache = cache
        self._cache_away = meter.gauge(catalog.CACHE_AWAY)
        self._cache_failed = meter.counter(catalog.CACHE_FAILED)
        self._cache_bytes = meter.counter(catalog.CACHE_BYTES)
        self._last_cache = CacheCounts()
        self._limits_away = meter.gauge(catalog.LIMITS_AWAY)
        self._limited_places = meter.gauge(catalog.LIMITED_PLACES)
        self._limits_failed = meter.counter(catalog.LIMITS_FAILED)
        self._limited = meter.counter(catalog.LIMITED)
        self._budget_events = meter.counter(catalog.BUDGET_EVENTS)
        self._last_limits = LimitCounts()
        self._read_spans, self._read_admission = spans, admission
        self._read_breakers = breakers
        self._breakers = meter.gauge(catalog.BREAKERS)
        self._read_activity = activity
        self._spans = meter.counter(catalog.SPANS)
        self._dropped = meter.counter(catalog.SPANS_DROPPED)
        self._waiting = meter.gauge(catalog.SPANS_WAITING)
        self._spool_bytes = meter.gauge(catalog.SPOOL_BYTES)
        self._activity_dropped = meter.counter(catalog.ACTIVITY_DROPPED)
        self._open_requests = meter.gauge(catalog.OPEN_REQUESTS)
        self._limit = meter.gauge(catalog.ADMISSION_LIMIT)
        self._events: Mapping[str, int] = {}
        self._reasons: Mapping[DropReason, int] = {}
        self._lost: Mapping[str, int] = {}

    def read(self) -> None:
        """Takes one reading; counters grow by what was counted since the last one."""
        admission = self._read_admission()
        if admission is not None:
            self._open_requests.set(admission.open_requests, {})
            self._limit.set(admission.limit, {})
        for (application, stage), state in self._read_breakers().items():
            for name in get_args(BreakerState):
                tags = {"target": application, "stage": stage, "state": name}
                self._breakers.set(float(state == name), tags)
        if self._read_activity is not None:
            lost = self._read_activity()
            for what, more in _growth(self._lost, lost).items():
                self._activity_dropped.inc(more, {"what": what})
            self._lost = lost
        evaluated = self._read_evaluations()
        for (release, outcome), count in evaluated.items():
            if (more := count - self._evaluated.get((release, outcome), 0)) > 0:
                self._evaluations.inc(more, {"release": release, "outcome": outcome})
        self._evaluated = evaluated
        if self._read_limits is not None:
            self._note_limits(self._read_limits())
        if self._read_cache is not None:
            self._note_cache(self._read_cache())
        if self._read_spans is None:
            return
        counts = self._read_spans()
        self._waiting.set(counts.waiting, {})
        self._spool_bytes.set(counts.spool_bytes, {})
        events = {
            "ended": counts.ended,
            "exported": counts.exported,
            "spooled": counts.spooled,
            "replayed": counts.replayed,
            "adopted": counts.adopted,
        }
        for event, more in _growth(self._events, events).items():
            self._spans.inc(more, {"event": event})
        for reason, more in _growth(self._reasons, counts.dropped).items():
            self._dropped.inc(more, {"reason": reason})
        self._events, self._reasons = events, counts.dropped

    def _note_limits(self, counts: LimitCounts) -> None:
        before, self._last_limits = self._last_limits, counts
        self._limits_away.set(float(counts.is_away), {})
        self._limited_places.set(counts.held_places, {})
        if counts.failed_calls > before.failed_calls:
            self._limits_failed.inc(counts.failed_calls - before.failed_calls, {})
        for refused, more in _growth(before.refused, counts.refused).items():
            of, _, what = refused.partition(":")
            self._limited.inc(more, {"of": of, "what": what})
        for event, more in _growth(before.budget_events, counts.budget_events).items():
            self._budget_events.inc(more, {"event": event})

    def _note_cache(self, counts: CacheCounts) -> None:
        before, self._last_cache = self._last_cache, counts
        self._cache_away.set(float(counts.is_away), {})
        if counts.failed_calls > before.failed_calls:
            self._cache_failed.inc(counts.failed_calls - before.failed_calls, {})
        moved = {"read": counts.read_bytes, "written": counts.written_bytes}
        known = {"read": before.read_bytes, "written": before.written_bytes}
        for way, more in _growth(known, moved).items():
            self._cache_bytes.inc(more, {"way": way})

    async def keep_reading(self, every_s: float = READ_EVERY_S) -> None:
        """Reads until cancelled."""

        async def read() -> None:
            self.read()

        await every(every_s, read, fails="metrics of this process could not be read")


def _growth(before: Mapping[Name, int], now: Mapping[Name, int]) -> dict[Name, int]:
    """Returns by how much the counts have grown, without those that have not."""
    growth = {name: count - before.get(name, 0) for name, count in now.items()}
    return {name: more for name, more in growth.items() if more > 0}
