"""Carries rollouts through: takes evidence in, decides, keeps every decision before it acts on it.

What it knows is in the store before anybody hears of it, so it may be killed at any moment.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

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
from deployments.contracts.errors import Conflict, InvalidRequest, Unavailable
from deployments.control.deployed import DeployedWeights
from deployments.control.health import HealthWatch
from deployments.control.lease import Lease
from deployments.control.noting import note_every_s
from deployments.control.ratings import RATED, rating_evidence
from deployments.control.store import ControlStore
from deployments.rollouts import (
    ActiveRollout,
    Look,
    Report,
    Rollout,
    RolloutRequest,
    TrafficOverride,
    TrafficPlan,
    Weights,
)

T = TypeVar("T")

_log = logging.getLogger("ray.serve")
_ELSEWHERE = "Another controller decides about the rollout."
_SETTLING_S = 10.0
"""For so long after weights were set, a replica may still have older settings."""


@dataclass(slots=True)
class _Course:
    """The rollout under way, and what is known of its stage."""

    rollout: Rollout
    evidence: Evidence
    received: dict[str, int]
    decision: Decision | None = None
    noted_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Letter:
    """A report with evidence, and who waits for it to be kept."""

    report: Report
    evidence: Evidence
    kept: asyncio.Future[None]


class Controller:
    """The one place that moves weights. What holds is what is in the store: it is read again before
    every look, so that nothing depends on what this process remembers.

    Args:
        store: Keeps everything.
        default_policy: For rollouts that have none of their own.
        unhealthy: Returns which of some applications do not run, in words; it blocks.
        now_s: Seconds since the epoch.
        name: Of this process among those that could decide; no two have the same.
    """

    def __init__(
        self,
        store: ControlStore,
        default_policy: Policy,
        *,
        unhealthy: Callable[[Iterable[str]], Sequence[str]],
        now_s: Callable[[], float] = time.time,
        name: str = "",
    ) -> None:
        self._store = store
        self._lease = Lease(store, name or secrets.token_hex(8), now_s)
        self._fence: int | None = None
        self._default_policy = default_policy
        self._health = HealthWatch(unhealthy)
        self._now_s = now_s
        self._lock = asyncio.Lock()
        self._working: set[asyncio.Task[Any]] = set()
        self._course: _Course | None = None
        self._override: TrafficOverride | None = None
        self._deployed = DeployedWeights()
        self._inbox: list[_Letter] = []

    async def load(self) -> None:
        """Brings the store up to date, and goes on where the last controller stopped.

        Raises:
            Unavailable, ConfigError: the store cannot be opened.
        """
        await asyncio.to_thread(self._store.upgrade)
        await self._undisturbed(self._refresh)

    async def exchange(self, report: Report) -> TrafficPlan:
        """Takes a replica's report, and returns the plan in force; evidence is kept by then.

        It waits for the next look where there is evidence, and for nothing else.
        """
        self._deployed.note(report.replica, report.deployed, self._now_s())
        if report.evidence is not None and self._course is not None:
            kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._inbox.append(_Letter(report, report.evidence, kept))
            await kept
        return self._plan()

    async def look(self) -> bool:
        """Takes in what was reported, and decides what becomes of the rollout under way; returns
        whether a decision was kept."""
        return await self._undisturbed(self._look)

    async def start(self, request: RolloutRequest) -> Rollout:
        """See `ControlStage.start`."""
        if request.stable == request.canary:
            raise InvalidRequest("A release cannot be compared with itself.")
        policy = request.policy or self._default_policy
        if request.mode is not None:
            policy = policy.model_copy(update={"mode": request.mode})
        now_s = self._now_s()
        rollout = Rollout(
            id=time.strftime("%Y%m%d-%H%M%S-", time.gmtime(now_s)) + secrets.token_hex(2),
            stable=request.stable,
            canary=request.canary,
            policy=policy,
            state=first_state(now_s),
            created_s=now_s,
            created_by=request.by,
            vectors=request.vectors,
            deployed=request.deployed,
        )

        async def create() -> Rollout:
            await asyncio.to_thread(self._store.create, rollout)
            _log.info("rollout %s: %s against %s", rollout.id, rollout.canary, rollout.stable)
            await self._refresh()
            return rollout

        return await self._undisturbed(create)

    async def command(
        self, rollout_id: str, what: Command, *, by: str, why: str, stage: int | None = None
    ) -> Rollout:
        """See `ControlStage.command`."""

        async def obey() -> Rollout:
            rollout = await asyncio.to_thread(self._store.rollout, rollout_id)
            if stage not in (None, rollout.state.stage):
                raise Conflict(f"The rollout is in stage {rollout.state.stage} by now.")
            decision, state = command(
                rollout.policy, rollout.state, what, now_s=self._now_s(), by=by, why=why
            )
            course = self._course
            if course is not None and course.rollout.id == rollout_id and course.decision:
                decision = replace(decision, verdicts=course.decision.verdicts)
            if not await self._change(rollout, decision, state):
                raise Conflict("The rollout was changed meanwhile; look at it again.")
            return replace(rollout, state=state)

        return await self._undisturbed(obey)

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

    async def looks(self, rollout_id: str, *, points: int) -> Sequence[Look]:
        """See `ControlStage.looks`."""
        await asyncio.to_thread(self._store.rollout, rollout_id)
        return await asyncio.to_thread(self._store.course, rollout_id, points=points)

    async def set_traffic(
        self, weights: Weights | None, *, by: str, deployed: Weights
    ) -> TrafficOverride | None:
        """See `ControlStage.set_traffic`."""

        async def set_weights() -> TrafficOverride | None:
            await self._refresh()
            if self._course is not None:
                raise Conflict("A rollout moves the weights; end it first.")
            override = None
            if weights is not None:
                override = TrafficOverride(weights, deployed, by, self._now_s())
            await asyncio.to_thread(self._store.set_override, override)
            self._override = override
            return override

        return await self._undisturbed(set_weights)

    async def _undisturbed(self, work: Callable[[], Awaitable[T]]) -> T:
        """Does one thing after the other, and each to its end, also when whoever asked for it has
        gone: half of a change would be none."""

        async def alone() -> T:
            async with self._lock:
                return await work()

        task = asyncio.create_task(alone())
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return await asyncio.shield(task)

    async def _look(self) -> bool:
        letters, self._inbox = self._inbox, []
        try:
            await self._refresh()
            if not await self._leads():
                _answer(letters, Unavailable(_ELSEWHERE, "rollout controller", 1.0))
                return False
            await self._take(letters)
        except BaseException as error:
            self._lease.lose()
            # They are sent again.
            lost = Unavailable(f"The evidence could not be kept: {error}", "rollout controller")
            _answer(letters, lost)
            raise
        _answer(letters)
        now_s = self._now_s()
        await self._drop_outdated_override(now_s)
        course = self._course
        if course is None:
            return False
        rollout = course.rollout
        alarms = await self._health.alarms(_own_applications(rollout), now_s)
        evidence = (await self._with_ratings(course)).with_alarms(*alarms)
        decision, state = await asyncio.to_thread(
            decide, rollout.policy, evidence, rollout.state, now_s
        )
        course.decision = decision
        if state.sequence != rollout.state.sequence:
            return await self._change(rollout, decision, state, fence=self._fence)
        if now_s - course.noted_s < note_every_s(now_s - rollout.created_s):
            return False
        await asyncio.to_thread(self._store.note, rollout.id, decision, state)
        course.noted_s = now_s
        return True

    async def _with_ratings(self, course: _Course) -> Evidence:
        """Returns what is known of a stage, and how its answers were rated meanwhile."""
        rollout, known = course.rollout, course.evidence
        if RATED not in rollout.policy.guardrails:
            return known
        since_s = rollout.state.entered_s
        ratings = await asyncio.to_thread(self._store.ratings, rollout.id, since_s=since_s)
        if not ratings:
            return known
        rated = rating_evidence(ratings, stage=known.stage, block_s=known.block_s)
        return await asyncio.to_thread(merge, known, rated)

    async def _leads(self) -> bool:
        """Returns whether it is for this process to decide; where there is no rollout, it need not
        be settled."""
        if self._course is None:
            return True
        fence = await asyncio.to_thread(self._lease.take)
        if fence != self._fence:
            self._fence = fence
            self._course = None  # others may have kept evidence that this one has not seen
            await self._refresh()
        return fence is not None

    async def _refresh(self) -> None:
        """Takes over what is in the store; what fails on the way leaves everything as it was."""
        rollout = await asyncio.to_thread(self._store.active)
        override = await asyncio.to_thread(self._store.override)
        course = self._course
        if rollout is None:
            course = None
        elif course is None or _place(course.rollout) != _place(rollout):
            evidence, received = await asyncio.to_thread(
                self._store.evidence, rollout.id, rollout.state.stage
            )
            course = _Course(rollout, evidence, received)
        else:
            course.rollout = rollout
        self._course, self._override = course, override

    async def _take(self, letters: Sequence[_Letter]) -> None:
        """Adds what was reported, unless it is of the past or was taken already."""
        course = self._course
        if course is None:
            return
        together, received = course.evidence, dict(course.received)
        for letter in letters:
            report = letter.report
            if report.rollout_id != course.rollout.id or letter.evidence.stage != together.stage:
                continue
            if report.sequence > received.get(report.replica, 0):
                try:
                    together = await asyncio.to_thread(merge, together, letter.evidence)
                except Exception:  # sent again, it would hold up the evidence of all others
                    _log.exception("the evidence of replica %s does not add up", report.replica)
                received[report.replica] = report.sequence
        fresh = {
            name: number for name, number in received.items() if course.received.get(name) != number
        }
        if fresh:
            await asyncio.to_thread(
                self._store.keep_evidence, course.rollout.id, together, fresh, fence=self._fence
            )
            course.evidence, course.received = together, received

    async def _change(
        self, rollout: Rollout, decision: Decision, state: State, *, fence: int | None = None
    ) -> bool:
        """Keeps a decision and acts on it; returns whether nobody was faster."""
        override, now_s = None, self._now_s()
        if state.phase == "promoted":
            deployed = self._deployed.current(now_s) or rollout.deployed
            override = TrafficOverride(
                {rollout.canary: 1.0}, deployed, f"rollout {rollout.id}", now_s
            )
        changed = await asyncio.to_thread(
            self._store.change,
            rollout.id,
            decision,
            state,
            after=rollout.state.sequence,
            override=override,
            fence=fence,
        )
        if changed:
            _log.info("rollout %s: %s: %s", rollout.id, decision.action, decision.reason)
        else:
            _log.warning("rollout %s was changed by somebody else meanwhile", rollout.id)
        await self._refresh()
        return changed

    async def _drop_outdated_override(self, now_s: float) -> None:
        override, deployed = self._override, self._deployed.current(now_s)
        if override is None or deployed is None or override.deployed == deployed:
            return
        if now_s - override.at_s < _SETTLING_S:
            return
        await asyncio.to_thread(self._store.set_override, None)
        self._override = None
        _log.info("other weights were deployed: those that %s set no longer hold", override.by)

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


def _place(rollout: Rollout) -> tuple[str, int]:
    return rollout.id, rollout.state.stage


def _own_applications(rollout: Rollout) -> list[str]:
    """Returns the canary's applications that stable does without."""
    canary, stable = (
        [vector.get("retrieval"), *(vector.get("generator") or ())]
        for vector in (rollout.vectors.get(name, {}) for name in (rollout.canary, rollout.stable))
    )
    return [str(name) for name in canary if name and name not in stable]


def _answer(letters: Sequence[_Letter], error: Unavailable | None = None) -> None:
    for letter in letters:
        if letter.kept.done():  # whoever waited has gone
            continue
        if error is None:
            letter.kept.set_result(None)
        else:
            letter.kept.set_exception(error)
