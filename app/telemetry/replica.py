"""All that keeps something of requests in one ingress replica, put together."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version

from app.cache.counts import CacheCounts
from app.limits.counts import LimitCounts
from app.settings.cold.breaker import BreakerStates
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.prices import PriceTable
from app.telemetry.access_log import AccessLog
from app.telemetry.activity.link import TrackerLink
from app.telemetry.activity.meter import ActivityMeter
from app.telemetry.activity.outbox import ActivityOutbox
from app.telemetry.gauges import Admission, Gauges
from app.telemetry.metrics import RequestMetrics
from app.telemetry.pace import Pace
from app.telemetry.requests import Sink, Telemetry
from app.telemetry.traces.recorder import TraceRecorder
from deployments.activity import TrackerStage
from deployments.contracts.erasure import ErasureScope
from deployments.telemetry.metric import Meter
from deployments.tracing.counters import TraceCounters
from deployments.tracing.provider import make_provider

_SWITCH_INTERVAL_S = 0.0005
_CLOSE_S = 5.0
"""Time that a replica that stops has for the records of its last requests."""


class RecordKeeper:
    """The sinks of one replica, from its first settings to its end.

    Args:
        args: Where records go.
        replica: Name of this replica.
        salt: Key of the digests of the content policy `hash`; empty for none.
        meter: Makes metrics.
        tracker: Told of usage; None where there is none.
        admission: Returns how much is admitted.
        breakers: Returns the state of each circuit breaker, by application and stage.
        limits: Returns how limits and budgets do; None where there are none.
        cache: Returns how the response cache does; None where there is none.
        evaluations: Returns what became of answers that were to be judged, by release and outcome.

    Raises:
        ConfigError: see `make_provider`.
    """

    def __init__(
        self,
        args: GatewayArgs,
        *,
        replica: str,
        salt: str,
        meter: Meter,
        tracker: TrackerStage | None,
        admission: Callable[[], Admission | None],
        breakers: BreakerStates = dict,
        limits: Callable[[], LimitCounts] | None = None,
        cache: Callable[[], CacheCounts] | None = None,
        evaluations: Callable[[], Mapping[tuple[str, str], int]] = dict,
    ) -> None:
        self._live: GatewayLive | None = None
        counters = TraceCounters()
        self.pace = Pace()
        sinks: list[Sink] = [AccessLog(), RequestMetrics(meter, self._prices), self.pace]
        self._traces: TraceRecorder | None = None
        if args.tracing.destinations:
            self._traces, counters = _trace_recorder(args, replica=replica, salt=salt)
            sinks.append(self._traces)
        self._link: TrackerLink | None = None
        self.activity: ActivityMeter | None = None
        """Adds up what the tracker is told; None where there is none."""
        dropped: Callable[[], Mapping[str, int]] | None = None
        if tracker is not None:
            outbox = ActivityOutbox(replica, lambda: self._live, args.activity)
            every_s = args.activity.every_s
            self._link = TrackerLink(tracker, outbox, replica=replica, every_s=every_s)
            sinks.append(outbox.meter)
            self.activity = outbox.meter
            dropped = outbox.dropped
        self._gauges = Gauges(
            meter,
            spans=counters.snapshot,
            activity=dropped,
            admission=admission,
            breakers=breakers,
            limits=limits,
            cache=cache,
            evaluations=evaluations,
        )
        self.telemetry = Telemetry(sinks)

    def use(self, live: GatewayLive) -> None:
        """Takes new settings.

        Raises:
            ConfigError: a content policy cannot be kept; the settings before stay.
        """
        if self._traces is not None:
            self._traces.use(live)
        self._live = live

    async def tell(self) -> None:
        """Tells the tracker at once what was served, where it does not have it yet."""
        if self._link is not None:
            await self._link.exchange()

    @property
    def erase_spool(self) -> Callable[[ErasureScope], int] | None:
        """Removes what of a conversation or a user waits on this replica's disk for a server of
        traces; None where nothing does."""
        return None if self._traces is None else self._traces.erase

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tells and reads what is told and read now and then, as long as the block runs; at its end
        sends what is left, or keeps it for the next process."""
        reading = asyncio.create_task(self._gauges.keep_reading())
        if self._link is not None:
            self._link.begin()
        try:
            yield
        finally:
            await self._close()
            reading.cancel()
            self._gauges.read()

    async def _close(self) -> None:
        deadline_s = time.monotonic() + _CLOSE_S
        if self._link is not None:
            await self._link.flush(_CLOSE_S / 2)
        if self._traces is not None:
            await asyncio.to_thread(self._traces.close, deadline_s - time.monotonic())

    def _prices(self) -> PriceTable:
        return PriceTable() if self._live is None else self._live.prices


def _trace_recorder(
    args: GatewayArgs, *, replica: str, salt: str
) -> tuple[TraceRecorder, TraceCounters]:
    resource = {
        "service.name": "ragserve",
        "service.version": version("ragserve"),
        "service.instance.id": replica,
    }
    # Threads that write traces would keep the interpreter for 5 ms at a time; a request that comes
    # meanwhile shall not wait so long.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    provider, counters = make_provider(args.tracing, resource_attributes=resource)
    join_client_span = args.tracing.join_client_span
    recorder = TraceRecorder(
        provider, counters, salt=salt.encode(), join_client_span=join_client_span
    )
    return recorder, counters
