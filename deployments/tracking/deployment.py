"""The tracker's shell."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace

from deployments.activity import ActivityReport, UsageQuery, UsageRow, completed
from deployments.assessments.contract import (
    AssessmentPage,
    AssessmentQuery,
    Feedback,
    KeptAssessment,
    ReleaseScore,
)
from deployments.assessments.store import AssessmentStore
from deployments.contracts.calls import CallContext
from deployments.contracts.erasure import ErasureScope
from deployments.contracts.tenants import Erased
from deployments.control.config import ControlArgs, database_url
from deployments.control.store import ControlStore
from deployments.drift import DriftReport, DriftRequest
from deployments.ledger.retention import forget_old
from deployments.ledger.store import Ledger
from deployments.recent_activity import RecentActivity, sum_up
from deployments.serving.every import every
from deployments.serving.kept import Kept
from deployments.serving.one_machine import require_shared
from deployments.serving.replica import StageReplica
from deployments.telemetry.drift import report_drift
from deployments.telemetry.ray_meter import RayMeter
from deployments.tracking.assessments.recorded import with_texts
from deployments.tracking.assessments.writer import TraceAssessments
from deployments.tracking.drift.runs import DriftRuns
from deployments.tracking.drift.watch import DriftWatch
from deployments.tracking.mlflow.server import mlflow_state
from deployments.tracking.mlflow.trace_erasure import erase_traces, of_scope, of_tenant
from deployments.tracking.mlflow.trace_retention import TraceRetention
from deployments.tracking.releases.writer import ReleaseRuns
from deployments.tracking.rollouts.runs import RolloutRuns

_TRIES_AGAIN = "the tracker tries again later"
_RECORD_EVERY_S = 5.0
_ASSESS_EVERY_S = 2.0
_FORGET_EVERY_S = 3600.0
_COMPARE_EVERY_S = 900.0
_ASSESSMENTS_PER_CALL = 100
_DAY_S = 86_400.0
_RECENT_KEPT_S = 4.0
"""The last minutes are summed up so seldom, however many look at them."""


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
        self._recent = Kept(self._sum_up, for_s=_RECENT_KEPT_S)
        self._assessments = AssessmentStore(url)
        self._holder = uuid.uuid4().hex
        self._retention = tracker.retention
        self._trace_assessments: TraceAssessments | None = None
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
            self._trace_assessments = TraceAssessments(
                self._assessments, tracker.mlflow_url, claims=self._claims_assessments
            )
            drift_runs = DriftRuns(tracker.mlflow_url, tracker.drift_experiment)
        self._drift = DriftWatch(self._ledger, drift_runs, on_day=report_drift(RayMeter()))
        await asyncio.to_thread(self._ledger.upgrade)
        self._tasks = [
            asyncio.create_task(every(_RECORD_EVERY_S, self._record_releases, fails=_TRIES_AGAIN)),
            asyncio.create_task(
                every(_ASSESS_EVERY_S, self._record_assessments, fails=_TRIES_AGAIN)
            ),
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
        report = completed(report)
        # Before the report counts as taken: what is kept twice is kept once.
        await asyncio.to_thread(self._assessments.keep, report.judgements)
        await asyncio.to_thread(self._ledger.take, report, now_s=time.time())

    async def usage(self, query: UsageQuery, *, call: CallContext) -> Sequence[UsageRow]:
        """See `TrackerStage.usage`."""
        return await asyncio.to_thread(self._ledger.usage, query)

    async def recent(self, *, first_minute: int, call: CallContext) -> RecentActivity:
        """See `TrackerStage.recent`."""
        return await self._recent.get(first_minute)

    async def drift(self, request: DriftRequest, *, call: CallContext) -> DriftReport:
        """See `DriftStage.drift`. One comparison at a time: each takes a core for seconds."""
        # Also when the caller has lost patience: the thread goes on, and so must the lock.
        return await asyncio.shield(asyncio.create_task(self._compare(request)))

    async def rate(self, feedback: Feedback, *, call: CallContext) -> KeptAssessment:
        """See `AssessmentStage.rate`."""
        return await asyncio.to_thread(self._assessments.rate, feedback)

    async def assessments(self, query: AssessmentQuery, *, call: CallContext) -> AssessmentPage:
        """See `AssessmentStage.assessments`."""
        page = await asyncio.to_thread(self._assessments.page, query)
        if not query.with_texts or self._mlflow_url is None:
            return page
        told = await asyncio.to_thread(with_texts, page.assessments, self._mlflow_url)
        return replace(page, assessments=told)

    async def scores(
        self, *, tenant: str | None, since_s: float, call: CallContext
    ) -> Sequence[ReleaseScore]:
        """See `AssessmentStage.scores`."""
        return await asyncio.to_thread(self._assessments.scores, tenant=tenant, since_s=since_s)

    async def erase_assessments(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        """See `AssessmentStage.erase_assessments`."""
        return await asyncio.to_thread(self._erase_assessments, scope)

    async def erase_tenant(self, tenant: str, *, call: CallContext) -> Erased:
        """See `TrackerStage.erase_tenant`."""
        samples = await asyncio.to_thread(self._ledger.erase_tenant, tenant)
        said = await asyncio.to_thread(self._erase_assessments, tenant)
        counts = {"queries": samples, **said.counts}
        if self._mlflow_url is None:
            return Erased(counts, said.is_done)
        traces = await asyncio.to_thread(
            erase_traces, self._mlflow_url, self._traces_experiment, of_tenant(tenant)
        )
        return Erased({**counts, **traces.counts}, said.is_done and traces.is_done)

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

    async def _sum_up(self, first_minute: int) -> RecentActivity:
        kept = await asyncio.to_thread(self._ledger.minutes, since=first_minute)
        return await asyncio.to_thread(sum_up, kept, first_minute=first_minute)

    def _erase_assessments(self, which: ErasureScope | str) -> Erased:
        """Removes some of what was said: first from MLflow, or nobody would know what is there."""
        store = self._assessments
        answers = store.forget_answers(which)
        if isinstance(which, str):
            some = store.of_tenant(which, limit=_ASSESSMENTS_PER_CALL)
        else:
            some = store.of_scope(which, limit=_ASSESSMENTS_PER_CALL)
        if some and self._trace_assessments is not None:
            self._trace_assessments.erase(some)
        removed = store.remove(some) if some else 0
        is_done = len(some) < _ASSESSMENTS_PER_CALL
        return Erased({"assessments": removed, "answer_ids": answers}, is_done)

    def _claims_assessments(self, for_s: float) -> bool:
        now_s = time.time()
        return self._ledger.claim(
            "record-assessments", self._holder, now_s=now_s, until_s=now_s + for_s
        )

    async def _record_assessments(self) -> None:
        if self._trace_assessments is not None:
            await asyncio.to_thread(self._trace_assessments.record_pending)

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
        oldest_s = time.time() - self._retention.assessments_days * _DAY_S
        await asyncio.to_thread(self._assessments.forget, before_s=oldest_s)

    async def _forget_old_traces(self) -> None:
        if self._trace_retention is not None:
            await asyncio.to_thread(self._trace_retention.forget_old, now_s=time.time())
