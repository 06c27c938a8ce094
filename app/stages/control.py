"""The control application as the gateway sees it: the rollout controller and the tracker over
handles."""

from collections.abc import Sequence
from typing import cast

from app.settings.cold.gateway import GatewayArgs
from app.stages.breaker import Breakers
from app.stages.handle import StageHandle
from deployments.activity import ActivityReport, UsageQuery, UsageRow
from deployments.assessments.contract import (
    AssessmentPage,
    AssessmentQuery,
    Feedback,
    KeptAssessment,
    ReleaseScore,
)
from deployments.canary.commands import Command
from deployments.canary.rollout import Decision
from deployments.contracts.calls import CallContext
from deployments.contracts.erasure import ErasureScope
from deployments.contracts.tenants import Erased
from deployments.drift import DriftReport, DriftRequest
from deployments.recent_activity import RecentActivity
from deployments.rollouts import (
    Look,
    Report,
    Rollout,
    RolloutRequest,
    TrafficOverride,
    TrafficPlan,
    Weights,
)
from deployments.service_state import ServiceState


class ControlClient(StageHandle):
    """Asks the controller. What changes something is asked once: whether it was done is better
    looked up than tried again.

    Args:
        application: Name of the control application.
        args: See `StageHandle`.
        breakers: See `StageHandle`.
    """

    def __init__(self, application: str, args: GatewayArgs, breakers: Breakers) -> None:
        super().__init__(
            application,
            "RolloutController",
            args,
            breakers,
            max_calls=4,
            says="rollout controller",
        )

    async def state(self, *, call: CallContext) -> ServiceState:
        """See `ControlStage.state`."""
        return cast(ServiceState, await self.call("state", call=call))

    async def exchange(self, report: Report, *, call: CallContext) -> TrafficPlan:
        """See `ControlStage.exchange`."""
        return cast(TrafficPlan, await self.call("exchange", report, call=call, attempts=1))

    async def start(self, request: RolloutRequest, *, call: CallContext) -> Rollout:
        """See `ControlStage.start`."""
        return cast(Rollout, await self.call("start", request, call=call, attempts=1))

    async def command(
        self,
        rollout_id: str,
        what: Command,
        *,
        by: str,
        why: str,
        stage: int | None = None,
        call: CallContext,
    ) -> Rollout:
        """See `ControlStage.command`."""
        answer = await self.call(
            "command", rollout_id, what, by=by, why=why, stage=stage, call=call, attempts=1
        )
        return cast(Rollout, answer)

    async def rollouts(self, *, limit: int, call: CallContext) -> Sequence[Rollout]:
        """See `ControlStage.rollouts`."""
        return cast(Sequence[Rollout], await self.call("rollouts", limit=limit, call=call))

    async def rollout(
        self, rollout_id: str, *, call: CallContext
    ) -> tuple[Rollout, Decision | None, Sequence[Look]]:
        """See `ControlStage.rollout`."""
        answer = await self.call("rollout", rollout_id, call=call)
        return cast(tuple[Rollout, Decision | None, Sequence[Look]], answer)

    async def looks(self, rollout_id: str, *, points: int, call: CallContext) -> Sequence[Look]:
        """See `ControlStage.looks`."""
        return cast(Sequence[Look], await self.call("looks", rollout_id, points=points, call=call))

    async def set_traffic(
        self, weights: Weights | None, *, by: str, deployed: Weights, call: CallContext
    ) -> TrafficOverride | None:
        """See `ControlStage.set_traffic`."""
        answer = await self.call(
            "set_traffic", weights, by=by, deployed=deployed, call=call, attempts=1
        )
        return cast(TrafficOverride | None, answer)


class TrackerClient(StageHandle):
    """Asks the tracker.

    Args:
        application: Name of the control application.
        args: See `StageHandle`.
        breakers: See `StageHandle`.
    """

    def __init__(self, application: str, args: GatewayArgs, breakers: Breakers) -> None:
        super().__init__(application, "Tracker", args, breakers, max_calls=4)

    async def take(self, report: ActivityReport, *, call: CallContext) -> None:
        """See `TrackerStage.take`. Who sends it repeats it, under its number."""
        await self.call("take", report, call=call, attempts=1)

    async def usage(self, query: UsageQuery, *, call: CallContext) -> Sequence[UsageRow]:
        """See `TrackerStage.usage`."""
        return cast(Sequence[UsageRow], await self.call("usage", query, call=call))

    async def recent(self, *, first_minute: int, call: CallContext) -> RecentActivity:
        """See `TrackerStage.recent`."""
        answer = await self.call("recent", first_minute=first_minute, call=call)
        return cast(RecentActivity, answer)

    async def erase_samples(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        """See `TrackerStage.erase_samples`."""
        return cast(Erased, await self.call("erase_samples", scope, call=call))

    async def erase_traces(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        """See `TrackerStage.erase_traces`."""
        return cast(Erased, await self.call("erase_traces", scope, call=call))

    async def rate(self, feedback: Feedback, *, call: CallContext) -> KeptAssessment:
        """See `AssessmentStage.rate`. Said twice, it is said once."""
        return cast(KeptAssessment, await self.call("rate", feedback, call=call))

    async def assessments(self, query: AssessmentQuery, *, call: CallContext) -> AssessmentPage:
        """See `AssessmentStage.assessments`."""
        return cast(AssessmentPage, await self.call("assessments", query, call=call))

    async def scores(
        self, *, tenant: str | None, since_s: float, call: CallContext
    ) -> Sequence[ReleaseScore]:
        """See `AssessmentStage.scores`."""
        answer = await self.call("scores", tenant=tenant, since_s=since_s, call=call)
        return cast(Sequence[ReleaseScore], answer)

    async def erase_assessments(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        """See `AssessmentStage.erase_assessments`."""
        return cast(Erased, await self.call("erase_assessments", scope, call=call))

    async def erase_tenant(self, tenant: str, *, call: CallContext) -> Erased:
        """See `TrackerStage.erase_tenant`."""
        return cast(Erased, await self.call("erase_tenant", tenant, call=call))

    async def drift(self, request: DriftRequest, *, call: CallContext) -> DriftReport:
        """See `DriftStage.drift`."""
        return cast(DriftReport, await self.call("drift", request, call=call, attempts=1))
