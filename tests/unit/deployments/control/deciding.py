"""A controller whose time and applications a test decides about, and what replicas tell it."""

import asyncio
from collections.abc import Iterable, Sequence

import numpy as np

from deployments.canary.evidence import Evidence
from deployments.canary.guardrails import Guardrail
from deployments.canary.policy import Policy, Step
from deployments.canary.recording import Outcomes, gather
from deployments.control.controller import Controller
from deployments.control.store import ControlStore
from deployments.rollouts import Report, Rollout, RolloutRequest

POLICY = Policy(
    steps=(Step(weight=0.1, min_requests=10), Step(weight=0.5, min_requests=10)),
    warm_up_s=0.0,
    guardrails={
        "total_ms": Guardrail(margin=0.2),
        "error": Guardrail(margin=0.05),
        **{name: Guardrail(margin=0.5) for name in ("truncated", "refused", "degraded")},
        "total_ms.tail": Guardrail(margin=0.5, rolls_back="never"),
    },
)
DEPLOYED = {"a": 1.0}
VECTORS = {
    "a": {"retrieval": "r", "generator": ["ga"]},
    "b": {"retrieval": "r", "generator": ["gb"]},
}


class World:
    """The time, and which applications are broken."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.broken: list[str] = []

    def unhealthy(self, names: Iterable[str]) -> Sequence[str]:
        return [f"{name} is broken" for name in names if name in self.broken]


async def make(url: str, world: World, *, name: str = "one") -> Controller:
    """Opens a controller; the one that a name had before is as good as gone."""
    controller = Controller(
        ControlStore(url), POLICY, unhealthy=world.unhealthy, now_s=lambda: world.now_s, name=name
    )
    await controller.load()
    return controller


async def start(controller: Controller, policy: Policy | None = None) -> Rollout:
    return await controller.start(
        RolloutRequest("a", "b", policy, None, "alice", VECTORS, DEPLOYED)
    )


def evidence(stage: int, *, canary_ms: float = 100.0, errors: float = 0.0) -> Evidence:
    """2,000 requests of each arm over 400 seconds, of as many callers."""
    draw = np.random.default_rng(stage)

    def outcomes(median_ms: float, share: float) -> Outcomes:
        count = 2000
        failed = draw.random(count) < share
        values = {name: np.zeros(count) for name in ("truncated", "refused", "degraded", "aborted")}
        total_ms = median_ms * draw.lognormal(0.0, 0.3, count)
        values |= {
            "error": failed.astype(float),
            "total_ms": np.where(failed, np.nan, total_ms),
        }
        at_s = np.linspace(1000, 1400, count)
        return Outcomes(at_s, draw.integers(0, 128, count), values)

    arms = {"canary": outcomes(canary_ms, errors), "baseline": outcomes(100.0, 0.0)}
    return gather(arms, stage=stage, block_s=POLICY.block_s)  # type: ignore[arg-type]


async def report(
    controller: Controller,
    rollout: Rollout,
    found: Evidence | None,
    *,
    sequence: int,
    replica: str = "replica",
) -> None:
    """Reports, and has the controller look, as it does twice a second."""
    letter = Report(replica, sequence, DEPLOYED, rollout_id=rollout.id, evidence=found)
    exchange = asyncio.create_task(controller.exchange(letter))
    await asyncio.sleep(0)
    await controller.look()
    await exchange


async def requests_of(controller: Controller, rollout: Rollout) -> int:
    await controller.look()
    _, decision, _ = await controller.rollout(rollout.id)
    assert decision is not None
    return next(one.canary_requests for one in decision.verdicts if one.metric == "error")
