"""Carries rollouts through: takes evidence in, decides, keeps every decision before it acts on it.

What it knows is in the store before anybody hears of it, so it may be killed at any moment.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deployments.canary.commands import Command, command
from deployments.canary.evidence import Evidence, merge
from deployments.canary.policy import Policy
from deployments.canary.rollout import (
    Decision,
    State,
    counted_from_s,
    decide,
    shares,
)
from deployments.canary.rollout import start as first_state
from deployments.control.store import ControlStore
from deployments.errors import Conflict, InvalidRequest
from deployments.rollouts import (
    ActiveRollout,
    Look,
    Report,
    Rollout,
    TrafficOverride,
    TrafficPlan,
    Weights,
)

_log = logging.getLogger("ray.serve")
_NOTE_EVERY_S = 10.0
"""So often a look that changes nothing is kept, for the curves of the record."""
_SETTLING_S = 10.0
"""For so long after weights were set, a replica may still have older settings."""
_UNHEALTHY_S = 10.0
"""A replica that died is back by then, unless it dies again."""


@dataclass(slots=True)
class _Course:
    """The rollout under way, and what is known of its stage."""

    rollout: Rollout
    evidence: Evidence
    received: dict[str, int]
    decision: Decision | None = None
    noted_s: float = 0.0
    unhealthy_since_s: float | None = None


class Controller:
    """The one place that moves weights.

    Args:
        store: Keeps everything.
        default_policy: For rollouts that have none of their own.
        unhealthy: Returns which of some applications do not run, in words; it blocks.
        now_s: Seconds since the epoch.
    """

    def __init__(
        self,
        store: ControlStore,
        default_policy: Policy,
        *,
        unhealthy: Callable[[Iterable[str]], Sequence[str]],
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._default_policy = default_policy
        self._unhealthy = unhealthy
        self._now_s = now_s
        self._lock = asyncio.Lock()
        self._course: _Course | None = None
        self._override: TrafficOverride | None = None
        self._deployed: Weights = {}

    async def load(self) -> None:
        """Brings the store up to date, and goes on where the last controller stopped.

        Raises:
            Unavailable, ConfigError: the store cannot be opened.
        """
        await asyncio.to_thread(self._store.upgrade)
        async with self._lock:
            await self._reload()

    async def exchange(self, report: Report) -> TrafficPlan:
        """Takes a replica's report, and returns the plan in force."""
        async with self._lock:
            if report.deployed:
                self._deployed = report.deployed
                await self._drop_outdated_override(report.deployed)
            if report.evidence is not None:
                await self._take(report, report.evidence)
            return self._plan()

    async def look(self) -> bool:
        """Decides what becomes of the rollout under way; returns whether something was kept."""
        alarms = await self._alarms()
        async with self._lock:
            course = self._course
            if course is None:
                return False
            rollout, now_s = course.rollout, self._now_s()
            evidence = course.evidence.with_alarms(*alarms)
            decision, state = await asyncio.to_thread(
                decide, rollout.policy, evidence, rollout.state, now_s
            )
            course.decision = decision
            if state.sequence != rollout.state.sequence:
                await self._change(course, decision, state)
                return True
            if now_s - course.noted_s < _NOTE_EVERY_S:
                return False
            await asyncio.to_thread(self._store.note, rollout.id, decision, state)
            course.noted_s = now_s
            return True

    async def start(
        self,
        stable: str,
        canary: str,
        policy: Policy | None,
        *,
        by: str,
        vectors: Mapping[str, Mapping[str, Any]],
        deployed: Weights,
    ) -> Rollout:
        """See `ControlStage.start`."""
        if stable == canary:
            raise InvalidRequest("A release cannot be compared with itself.")
        async with self._lock:
            now_s = self._now_s()
            rollout = Rollout(
                id=time.strftime("%Y%m%d-%H%M%S-", time.gmtime(now_s)) + secrets.token_hex(2),
                stable=stable,
                canary=canary,
                policy=policy or self._default_policy,
                state=first_state(now_s),
                created_s=now_s,
                created_by=by,
                vectors=vectors,
                deployed=deployed,
            )
            await asyncio.to_thread(self._store.create, rollout)
            await self._reload()
            _log.info("rollout %s: %s against %s", rollout.id, canary, stable)
            return rollout

    async def command(self, rollout_id: str, what: Command, *, by: str, why: str) -> Rollout:
        """See `ControlStage.command`."""
        async with self._lock:
            course = self._course
            if course is None or course.rollout.id != rollout_id:
                rollout = await asyncio.to_thread(self._store.rollout, rollout_id)
                course = _Course(rollout, Evidence(rollout.state.stage, rollout.policy.block_s), {})
            rollout = course.rollout
            decision, state = command(
                rollout.policy, rollout.state, what, now_s=self._now_s(), by=by, why=why
            )
            if course.decision is not None:
                decision = replace(decision, verdicts=course.decision.verdicts)
            await self._change(course, decision, state)
            return await asyncio.to_thread(self._store.rollout, rollout_id)

    async def rollouts(self, limit: int) -> Sequence[Rollout]:
        """See `ControlStage.rollouts`."""
        return await asyncio.to_thread(self._store.rollouts, limit)

    async def rollout(self, rollout_id: str) -> tuple[Rollout, Decision | None, Sequence[Look]]:
        """See `ControlStage.rollout`."""
        rollout = await asyncio.to_thread(self._store.rollout, rollout_id)
        looks = await asyncio.to_thread(self._store.looks, rollout_id)
        course = self._course
        if course is not None and course.rollout.id == rollout_id:
            return rollout, course.decision, looks
        return rollout, looks[-1].decision if looks else None, looks

    async def set_traffic(
        self, weights: Weights | None, *, by: str, deployed: Weights
    ) -> TrafficOverride | None:
        """See `ControlStage.set_traffic`."""
        async with self._lock:
            if self._course is not None:
                raise Conflict("A rollout moves the weights; end it first.")
            override = None
            if weights is not None:
                override = TrafficOverride(weights, deployed, by, self._now_s())
            await asyncio.to_thread(self._store.set_override, override)
            self._override = override
            return override

    async def _reload(self) -> None:
        self._override = await asyncio.to_thread(self._store.override)
        rollout = await asyncio.to_thread(self._store.active)
        self._course = None
        if rollout is not None:
            evidence, received = await asyncio.to_thread(
                self._store.evidence, rollout.id, rollout.state.stage
            )
            self._course = _Course(rollout, evidence, received)

    async def _drop_outdated_override(self, deployed: Weights) -> None:
        override = self._override
        if override is None or override.deployed == deployed:
            return
        if self._now_s() - override.at_s < _SETTLING_S:
            return
        await asyncio.to_thread(self._store.set_override, None)
        self._override = None
        _log.info("other weights were deployed: those that %s set no longer hold", override.by)

    async def _take(self, report: Report, evidence: Evidence) -> None:
        """Adds evidence, unless it is of the past or was taken already."""
        course = self._course
        if course is None or course.rollout.id != report.rollout_id:
            return
        if evidence.stage != course.evidence.stage:
            return
        if report.sequence <= course.received.get(report.replica, 0):
            return
        together = await asyncio.to_thread(merge, course.evidence, evidence)
        await asyncio.to_thread(
            self._store.keep_evidence,
            course.rollout.id,
            together,
            report.replica,
            report.sequence,
        )
        course.evidence = together
        course.received[report.replica] = report.sequence

    async def _change(self, course: _Course, decision: Decision, state: State) -> None:
        """Keeps a decision and acts on it; where another controller was faster, on its decision."""
        rollout = course.rollout
        override = None
        if state.phase == "promoted":
            deployed = self._deployed or rollout.deployed
            override = TrafficOverride(
                {rollout.canary: 1.0}, deployed, f"rollout {rollout.id}", self._now_s()
            )
        changed = await asyncio.to_thread(
            self._store.change,
            rollout.id,
            decision,
            state,
            after=rollout.state.sequence,
            override=override,
        )
        if changed:
            _log.info("rollout %s: %s: %s", rollout.id, decision.action, decision.reason)
        else:
            _log.warning("rollout %s was changed by somebody else meanwhile", rollout.id)
        await self._reload()

    async def _alarms(self) -> Sequence[str]:
        """Returns what is wrong with the canary's applications, once it has been for a while."""
        course = self._course
        if course is None:
            return ()
        vector = course.rollout.vectors.get(course.rollout.canary, {})
        names = [vector.get("retrieval"), *(vector.get("generator") or ())]
        wrong = await asyncio.to_thread(self._unhealthy, [str(name) for name in names if name])
        if not wrong:
            course.unhealthy_since_s = None
            return ()
        now_s = self._now_s()
        since_s = course.unhealthy_since_s or now_s
        course.unhealthy_since_s = since_s
        return wrong if now_s - since_s >= _UNHEALTHY_S else ()

    def _plan(self) -> TrafficPlan:
        course = self._course
        if course is None:
            return TrafficPlan(override=self._override)
        rollout = course.rollout
        return TrafficPlan(
            ActiveRollout(
                id=rollout.id,
                stable=rollout.stable,
                canary=rollout.canary,
                stage=rollout.state.stage,
                shares=shares(rollout.policy, rollout.state),
                counted_from_s=counted_from_s(rollout.policy, rollout.state),
                policy=rollout.policy,
            ),
            self._override,
        )
