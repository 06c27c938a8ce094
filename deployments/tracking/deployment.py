"""The tracker's shell."""

import asyncio
import time
from collections.abc import Sequence

from deployments.activity import ActivityReport, UsageQuery, UsageRow
from deployments.contracts.calls import CallContext
from deployments.contracts.erasure import ErasureScope
from deployments.contracts.tenants import Erased
from deployments.control.config import ControlArgs, database_url
from deployments.control.store import ControlStore
from deployments.drift import DriftReport, DriftRequest
from deployments.ledger.retention import forget_old
from deployments.ledger.store import Ledger
from deployments.serving.every import every
from deployments.serving.one_machine import require_shared
from deployments.serving.replica import StageReplica
from deployments.telemetry.drift import report_drift
from deployments.telemetry.ray_meter import RayMeter
from deployments.tracking.drift.runs import DriftRuns
from deployments.tracking.drift.watch import DriftWatch
from deployments.tracking.mlflow.server import mlflow_state
from deployments.tracking.mlflow.trace_erasure import erase_traces, of_scope, of_tenant
from deployments.tracking.mlflow.trace_retention import TraceRetention
from deployments.tracking.releases.writer import ReleaseRuns
from deployments.tracking.rollouts.runs import RolloutRuns

_TRIES_AGAIN = "the tracker tries again later"
_RECORD_EVERY_S = 5.0
_FORGET_EVERY_S = 3600.0
_COMPARE_EVERY_S = 900.0


class Tracker(StageReplica):
    """`TrackerStage`: keeps what the gateway served, and writes it down in MLflow beside what the
    control application decided, off the path of every request.

    Args:
        args: `ControlArgs` as a mapping.
    """

    # Serve awaits a constructor that is a coroutine.
    async def __init__(self, args: dict[str, object]) -> None:  # type: ignore[misc]
        settings = ControlArgs.model_validate(args)
        tracker, url = settings.tracker, require_shared(database_url(settings.database_url))
        self._ledger = Ledger(url)
        self._retention = tracker.retention
        self._rollout_runs: RolloutRuns | None = None
        self._release_runs: ReleaseRuns | None = None
        self._mlflow_url = tracker.mlflow_url
        self._traces_experiment = tracker.traces_experiment
        self._writing = asyncio.Lock()
        self._comparing = asyncio.Lock()
        self._trace_retention: TraceRetention | None = None
        drift_runs = None
        if tracker.mlflow_url is not None:
            self._rollout_runs = RolloutRuns(
                ControlStore(url),
                tracker.mlflow_url,
                experiment=tracker.experiment,
                registered_model=tracker.registered_model,
            )
            self._release_runs = ReleaseRuns(
                self._ledger, tracker.mlflow_url, experiment=tracker.releases_experiment
            )
            if tracker.retention.traces_days is not None:
                self._trace_retention = TraceRetention(
                    tracker.mlflow_url,
                    tracker.traces_experiment,
                    days=tracker.retention.traces_days,
                )
            drift_runs = DriftRuns(tracker.mlflow_url, tracker.drift_experiment)
        self._drift = DriftWatch(self._ledger, drift_runs, on_day=report_drift(RayMeter()))
        await asyncio.to_thread(self._ledger.upgrade)
        self._tasks = [
            asyncio.create_task(every(_RECORD_EVERY_S, self._record_releases, fails=_TRIES_AGAIN)),
            asyncio.create_task(every(_FORGET_EVERY_S, self._forget_old, fails=_TRIES_AGAIN)),
            asyncio.create_task(
                every(_FORGET_EVERY_S, self._forget_old_traces, fails=_TRIES_AGAIN)
            ),
            asyncio.create_task(every(_COMPARE_EVERY_S, self._compare_day, fails=_TRIES_AGAIN)),
        ]

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """See `TrackerStage.describe`."""
        if self._mlflow_url is None:
            return {}
        return {"mlflow": await mlflow_state(self._mlflow_url, timeout_s=call.timeout_s / 2)}

    async def take(self, report: ActivityReport, *, call: CallContext) -> None:
        """See `TrackerStage.take`."""
        await asyncio.to_thread(self._ledger.take, report, now_s=time.time())

    async def usage(self, query: UsageQuery, *, call: CallContext) -> Sequence[UsageRow]:
        """See `TrackerStage.usage`."""
        return await asyncio.to_thread(self._ledger.usage, query)

    async def drift(self, request: DriftRequest, *, call: CallContext) -> DriftReport:
        """See `DriftStage.drift`. One comparison at a time: each takes a core for seconds."""
        # Also when the caller has lost patience: the thread goes on, and so must the lock.
        return await asyncio.shield(asyncio.create_task(self._compare(request)))

    async def erase_tenant(self, tenant: str, *, call: CallContext) -> Erased:
        """See `TrackerStage.erase_tenant`."""
        samples = await asyncio.to_thread(self._ledger.erase_tenant, tenant)
        if self._mlflow_url is None:
            return Erased({"queries": samples})
        traces = await asyncio.to_thread(
            erase_traces, self._mlflow_url, self._traces_experiment, of_tenant(tenant)
        )
        return Erased({"queries": samples, **traces.counts}, traces.is_done)

    async def erase_samples(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        """See `TrackerStage.erase_samples`."""
        return Erased({"queries": await asyncio.to_thread(self._ledger.erase, scope)})

    async def erase_traces(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        """See `TrackerStage.erase_traces`."""
        if self._mlflow_url is None:
            return Erased()
        return await asyncio.to_thread(
            erase_traces, self._mlflow_url, self._traces_experiment, of_scope(scope)
        )

    async def _compare(self, request: DriftRequest) -> DriftReport:
        async with self._comparing:
            return await asyncio.to_thread(self._drift.compare, request, now_s=time.time())

    async def record_rollouts(self) -> int:
        """Writes what is not written yet of rollouts, and returns how many looks that were; 0 while
        another call is at it."""
        if self._rollout_runs is None or self._writing.locked():
            return 0
        # Also when the caller has lost patience: the thread goes on, and so must the lock.
        return await asyncio.shield(asyncio.create_task(self._record(self._rollout_runs)))

    async def _record(self, runs: RolloutRuns) -> int:
        async with self._writing:
            return await asyncio.to_thread(runs.record_pending)

    async def _record_releases(self) -> None:
        if self._release_runs is not None:
            await asyncio.to_thread(self._release_runs.record_pending)

    async def _compare_day(self) -> None:
        async with self._comparing:
            await asyncio.to_thread(self._drift.compare_day, now_s=time.time())

    async def _forget_old(self) -> None:
        await asyncio.to_thread(
            forget_old,
            self._ledger,
            self._retention,
            now_s=time.time(),
            recorded=self._release_runs is not None,
        )

    async def _forget_old_traces(self) -> None:
        if self._trace_retention is not None:
            await asyncio.to_thread(self._trace_retention.forget_old, now_s=time.time())
