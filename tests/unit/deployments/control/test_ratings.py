"""Ratings that stand in the database are evidence at the next look, as they are by then."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection, delete, insert, update

from deployments.canary.guardrails import default_guardrails
from deployments.canary.policy import Policy
from deployments.control.controller import Controller
from deployments.control.database import open_engine, parse_url
from deployments.control.ratings import ArmRating, rating_evidence
from deployments.control.store import ControlStore
from deployments.control.tables import RatingRow
from tests.unit.deployments.control.deciding import POLICY, World, evidence, make, report, start

GUARDRAILS = POLICY.guardrails | {"feedback": default_guardrails()["feedback"]}
WITH_RATINGS = POLICY.model_copy(update={"guardrails": GUARDRAILS, "mode": "abort_only"})
Change = Callable[[Callable[[Connection], object]], None]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'control.db'}"


@pytest.fixture
async def controller(url: str, world: World) -> Controller:
    return await make(url, world)


@pytest.fixture
def change(controller: Controller, url: str) -> Iterator[Change]:
    """Changes the database as the tracker does, which is another process."""
    engine = open_engine(parse_url(url)).execution_options(writes=True)

    def run(work: Callable[[Connection], object]) -> None:
        with engine.begin() as connection:
            work(connection)

    yield run
    engine.dispose()


def rows(rollout: str, arm: str, *, liked: int, count: int, at_s: float = 1000.0) -> list[dict]:  # type: ignore[type-arg]
    order = np.random.default_rng(count).permutation(count)
    return [
        {
            "tenant": "default",
            "request_id": f"{arm}-{at_s}-{number}",
            "rollout_id": rollout,
            "arm": arm,
            "bucket": number % 128,
            "at_s": at_s + number / 2,
            "score": float(order[number] < liked),
        }
        for number in range(count)
    ]


async def decided(controller: Controller, rollout: str) -> str:
    await controller.look()
    _, decision, _ = await controller.rollout(rollout)
    assert decision is not None
    return decision.reason if decision.wanted == "roll_back" else decision.wanted


async def test_a_canary_that_is_liked_less_is_rolled_back(
    controller: Controller, world: World, change: Change
) -> None:
    rollout = await start(controller, WITH_RATINGS)
    await report(controller, rollout, evidence(0), sequence=1)
    change(
        lambda database: database.execute(
            insert(RatingRow),
            [
                *rows(rollout.id, "canary", liked=60, count=100),
                *rows(rollout.id, "baseline", liked=360, count=400),
            ],
        )
    )
    await controller.look()
    state = (await controller.rollout(rollout.id))[0].state
    assert state.phase == "rolled_back"
    assert state.reason.startswith("ratings of answers: 0.6 against 0.9")


async def test_what_somebody_takes_back_counts_no_more(
    controller: Controller, world: World, change: Change
) -> None:
    observed = WITH_RATINGS.model_copy(update={"mode": "observe_only"})
    rollout = await start(controller, observed)
    worse = [
        *rows(rollout.id, "canary", liked=60, count=100),
        *rows(rollout.id, "baseline", liked=360, count=400),
    ]
    change(lambda database: database.execute(insert(RatingRow), worse))
    assert "ratings of answers" in await decided(controller, rollout.id)
    liked = update(RatingRow).where(RatingRow.arm == "canary").values(score=1.0)
    change(lambda database: database.execute(liked))
    assert await decided(controller, rollout.id) == "hold"
    change(lambda database: database.execute(delete(RatingRow)))
    await controller.look()
    _, decision, _ = await controller.rollout(rollout.id)
    assert decision is not None
    assert not [one for one in decision.verdicts if one.metric == "feedback"]


async def test_ratings_of_another_stage_or_rollout_are_none(
    controller: Controller, url: str, world: World, change: Change
) -> None:
    rollout = await start(controller, WITH_RATINGS)
    before = rows(rollout.id, "canary", liked=0, count=100, at_s=world.now_s - 500)
    others = rows("another", "canary", liked=0, count=100)
    own = rows(rollout.id, "baseline", liked=9, count=10, at_s=world.now_s)
    change(lambda database: database.execute(insert(RatingRow), [*before, *others, *own]))
    store = ControlStore(url)
    found = store.ratings(rollout.id, since_s=world.now_s)
    store.close()
    assert {one.arm for one in found} == {"baseline"}
    assert sum(one.score for one in found) == 9


async def test_a_policy_without_ratings_does_not_look_for_them(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("nobody asks for ratings")

    monkeypatch.setattr(ControlStore, "ratings", asked)
    bare = {name: one for name, one in POLICY.guardrails.items() if name != "feedback"}
    rollout = await start(controller, POLICY.model_copy(update={"guardrails": bare}))
    await report(controller, rollout, evidence(0), sequence=1)
    assert Policy().guardrails.keys() > bare.keys()


def test_ratings_are_no_requests() -> None:
    found = rating_evidence(
        [ArmRating("canary", 3, 1000.0, 1.0), ArmRating("canary", 4, 1011.0, 0.5)],
        stage=2,
        block_s=10.0,
    )
    assert (found.stage, dict(found.requests)) == (2, {})
    tally = found.tally("canary", "feedback")
    assert tally is not None
    assert (tally.count, tally.total, tally.missing) == (2, 1.5, 0)
    assert found.tally("baseline", "feedback") is None
