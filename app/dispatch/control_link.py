"""The tie between an ingress replica and the controller: about once a second it says what it saw
and hears what to do. While nobody answers, everything stays as it is."""

import asyncio
import logging
import time
from collections.abc import Callable

from app.dispatch.evidence_outbox import EvidenceOutbox
from app.releases.assignment import Assignment
from app.request.figures import Values
from deployments.rollouts import ControlStage, Report, TrafficPlan, Weights
from deployments.service_state import GatewayLoad
from deployments.serving.report_link import ReportLink

_log = logging.getLogger("ray.serve")
_EVERY_S = 0.75
"""A decision reaches everybody within two seconds, the way there and back included."""
_FIRST_S = 10.0


class ControlLink:
    """One replica's tie; an `Observer`.

    Args:
        control: The controller.
        deployed: Returns the weights in the settings, None before they arrived.
        replica: Name of this replica.
        now_s: Seconds since the epoch.
        load: See `EvidenceOutbox`.
    """

    def __init__(
        self,
        control: ControlStage,
        deployed: Callable[[], Weights | None],
        *,
        replica: str,
        now_s: Callable[[], float] = time.time,
        load: Callable[[], GatewayLoad | None] = lambda: None,
    ) -> None:
        self._outbox = EvidenceOutbox(replica, deployed, now_s, load)
        self._link: ReportLink[Report, TrafficPlan] = ReportLink(
            self._outbox,
            control.exchange,
            heard=self._hear,
            to="the controller",
            while_away="weights stay",
            call_id=f"report-{replica}",
        )
        self._plan = TrafficPlan()

    def plan(self) -> TrafficPlan:
        """Returns the last plan that was heard."""
        return self._plan

    def observe(self, assignment: Assignment, begun_s: float, values: Values) -> None:
        """See `Observer`."""
        self._outbox.observe(assignment, begun_s, values)

    def observe_pair(self, assignment: Assignment, begun_s: float, values: Values) -> None:
        """See `Observer`."""
        self._outbox.observe_pair(assignment, begun_s, values)

    async def begin(self) -> None:
        """Waits for the first plan, so that a new replica does what the others do, and goes on by
        itself. Without a controller it gives up after a while: requests count more."""
        try:
            async with asyncio.timeout(_FIRST_S):
                while not await self._link.exchange():  # noqa: ASYNC110
                    await asyncio.sleep(_EVERY_S)
        except TimeoutError:
            _log.error("no word from the controller: the deployed weights hold")
        self._link.begin(_EVERY_S)

    async def exchange(self) -> bool:
        """Reports once, and returns whether an answer came."""
        return await self._link.exchange()

    def _hear(self, plan: TrafficPlan) -> None:
        self._outbox.follow(plan.rollout)
        self._plan = plan
