"""The rollout controller's shell."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ray import serve
from ray.serve.handle import DeploymentHandle
from ray.serve.schema import ApplicationStatus

from deployments.canary.commands import Command
from deployments.canary.rollout import Decision
from deployments.contracts.calls import CallContext
from deployments.control.config import ControlArgs, database_url
from deployments.control.controller import Controller
from deployments.control.loads import Loads
from deployments.control.store import ControlStore
from deployments.rollouts import (
    Look,
    Report,
    Rollout,
    RolloutRequest,
    TrafficOverride,
    TrafficPlan,
    Weights,
)
from deployments.service_state import ApplicationState, DeploymentState, ServiceState
from deployments.serving.calls import call_stage
from deployments.serving.every import every
from deployments.serving.kept import Kept
from deployments.serving.one_machine import require_shared
from deployments.serving.replica import StageReplica

_LOOK_EVERY_S = 0.5
_RECORD_EVERY_S = 2.0
_RECORD_TIMEOUT_S = 120.0
_APPLICATIONS_KEPT_S = 4.0
"""Serve is asked so seldom, however many want to know."""


class RolloutController(StageReplica):
    """`ControlStage`: decides about twice a second, and tells the tracker that there is news.

    Args:
        args: `ControlArgs` as a mapping.
        tracker: Writes rollouts down for people.
        batches: Keeps batches; it is asked by others, and here so that Serve deploys it.
    """

    # Serve awaits a constructor that is a coroutine.
    async def __init__(  # type: ignore[misc]
        self,
        args: dict[str, object],
        tracker: "DeploymentHandle[Any]",
        batches: "DeploymentHandle[Any] | None" = None,
    ) -> None:
        settings = ControlArgs.model_validate(args)
        self._tracker = tracker
        self._controller = Controller(
            ControlStore(require_shared(database_url(settings.database_url))),
            settings.policy,
            unhealthy=unhealthy_applications,
        )
        self._loads = Loads()
        self._applications = Kept(_running, for_s=_APPLICATIONS_KEPT_S)
        await self._controller.load()
        look = every(_LOOK_EVERY_S, self._controller.look, fails="no decision")
        record = every(_RECORD_EVERY_S, self._record, fails="rollouts are not written down")
        self._tasks = [asyncio.create_task(look), asyncio.create_task(record)]

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """See `ControlStage.describe`."""
        await self._controller.rollouts(1)
        return {"database": "ok"}

    async def state(self, *, call: CallContext) -> ServiceState:
        """See `ControlStage.state`."""
        applications = await self._applications.get(None)
        return ServiceState(self._loads.latest(time.monotonic()), applications)

    async def exchange(self, report: Report, *, call: CallContext) -> TrafficPlan:
        """See `ControlStage.exchange`."""
        # A replica of an older version says nothing of its load.
        self._loads.note(report.replica, getattr(report, "load", None), time.monotonic())
        return await self._controller.exchange(report)

    async def start(self, request: RolloutRequest, *, call: CallContext) -> Rollout:
        """See `ControlStage.start`."""
        return await self._controller.start(request)

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
        return await self._controller.command(rollout_id, what, by=by, why=why, stage=stage)

    async def rollouts(self, *, limit: int, call: CallContext) -> Sequence[Rollout]:
        """See `ControlStage.rollouts`."""
        return await self._controller.rollouts(limit)

    async def rollout(
        self, rollout_id: str, *, call: CallContext
    ) -> tuple[Rollout, Decision | None, Sequence[Look]]:
        """See `ControlStage.rollout`."""
        return await self._controller.rollout(rollout_id)

    async def looks(self, rollout_id: str, *, points: int, call: CallContext) -> Sequence[Look]:
        """See `ControlStage.looks`."""
        return await self._controller.looks(rollout_id, points=points)

    async def set_traffic(
        self, weights: Weights | None, *, by: str, deployed: Weights, call: CallContext
    ) -> TrafficOverride | None:
        """See `ControlStage.set_traffic`."""
        return await self._controller.set_traffic(weights, by=by, deployed=deployed)

    async def _record(self) -> None:
        """Has what was kept written down. What is not yet, is in the store: nothing is lost while
        the tracker is away."""
        response = self._tracker.record_rollouts.remote()
        await call_stage(response, stage="tracker", timeout_s=_RECORD_TIMEOUT_S)


def unhealthy_applications(names: Iterable[str]) -> Sequence[str]:
    """Returns which of some applications do not run, in words; one that is on its way does."""
    running = serve.status().applications
    wrong = []
    for name in names:
        if name not in running:
            wrong.append(f"the application {name} is not deployed")
        elif running[name].status in (ApplicationStatus.UNHEALTHY, ApplicationStatus.DEPLOY_FAILED):
            wrong.append(f"the application {name} is {running[name].status.lower()}")
    return wrong


async def _running(_: None) -> list[ApplicationState]:
    return await asyncio.to_thread(running_applications)


def running_applications() -> list[ApplicationState]:
    """Returns all applications, by name, with their replicas as Serve knows them; it blocks."""
    running = serve.status().applications
    return [
        ApplicationState(
            name,
            found.status.value,
            [
                DeploymentState(
                    each, state.status.value, _counts(state.replica_states), state.message
                )
                for each, state in sorted(found.deployments.items())
            ],
            found.message,
        )
        for name, found in sorted(running.items())
    ]


def _counts(states: Mapping[Any, int]) -> dict[str, int]:
    return {str(getattr(state, "value", state)): count for state, count in states.items() if count}
