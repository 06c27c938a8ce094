"""The controller over a real database: what it took in is kept, what it decided is done once."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from deployments.canary.evidence import Evidence
from deployments.canary.rollout import Shares
from deployments.contracts.errors import Conflict, InvalidRequest, NotFound, Unavailable
from deployments.control.controller import Controller
from deployments.control.store import ControlStore
from deployments.rollouts import Report, RolloutRequest, TrafficPlan
from tests.unit.deployments.control.deciding import (
    DEPLOYED,
    POLICY,
    VECTORS,
    World,
    evidence,
    make,
    report,
    requests_of,
    start,
)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'control.db'}"


@pytest.fixture
async def controller(url: str, world: World) -> Controller:
    return await make(url, world)


async def test_a_rollout_is_in_the_next_plan(controller: Controller) -> None:
    rollout = await start(controller)
    plan = await controller.exchange(Report("replica", 1, DEPLOYED))
    assert plan.rollout is not None
    assert (plan.rollout.id, plan.rollout.stage) == (rollout.id, 0)
    assert plan.rollout.shares == Shares(canary=0.1, baseline=0.4)


async def test_a_mode_changes_nothing_else_of_the_configured_policy(
    controller: Controller,
) -> None:
    request = RolloutRequest("a", "b", None, "observe_only", "alice", VECTORS, DEPLOYED)
    rollout = await controller.start(request)
    assert rollout.policy == POLICY.model_copy(update={"mode": "observe_only"})


async def test_good_evidence_leads_step_by_step_to_all_traffic(
    controller: Controller, world: World
) -> None:
    rollout = await start(controller)
    for stage in (0, 1):
        await report(controller, rollout, evidence(stage), sequence=stage + 1)
        world.now_s += 100
        assert await controller.look()
    plan = await controller.exchange(Report("replica", 3, DEPLOYED))
    assert plan.rollout is None
    assert plan.override is not None
    assert plan.override.weights == {"b": 1.0}
    found, _, looks = await controller.rollout(rollout.id)
    assert found.state.phase == "promoted"
    assert [one.decision.action for one in looks] == ["advance", "promote"]


async def test_bad_evidence_leads_back(controller: Controller, world: World) -> None:
    rollout = await start(controller)
    await report(controller, rollout, evidence(0, canary_ms=140.0), sequence=1)
    world.now_s += 100
    await controller.look()
    plan = await controller.exchange(Report("replica", 2, DEPLOYED))
    assert (plan.rollout, plan.override) == (None, None)
    assert (await controller.rollouts(5))[0].state.phase == "rolled_back"


async def test_a_report_that_comes_twice_counts_once(controller: Controller) -> None:
    rollout = await start(controller)
    for _ in range(3):
        await report(controller, rollout, evidence(0), sequence=1)
    assert await requests_of(controller, rollout) == 2000
    await report(controller, rollout, evidence(0), sequence=2)
    assert await requests_of(controller, rollout) == 4000


async def test_evidence_of_another_stage_or_rollout_counts_nothing(
    controller: Controller,
) -> None:
    rollout = await start(controller)
    await report(controller, rollout, evidence(0), sequence=1)
    await report(controller, rollout, evidence(1), sequence=2)
    await report(controller, replace(rollout, id="other"), evidence(0), sequence=3)
    assert await requests_of(controller, rollout) == 2000


async def test_another_controller_goes_on_where_the_last_one_stopped(
    controller: Controller, url: str, world: World
) -> None:
    rollout = await start(controller)
    await report(controller, rollout, evidence(0), sequence=1)
    again = await make(url, world)
    await report(again, rollout, evidence(0), sequence=1)
    assert await requests_of(again, rollout) == 2000
    world.now_s += 100
    assert await again.look()
    plan = await again.exchange(Report("replica", 2, DEPLOYED))
    assert plan.rollout is not None
    assert plan.rollout.stage == 1


async def test_of_two_controllers_one_acts(controller: Controller, url: str, world: World) -> None:
    rollout = await start(controller)
    other = await make(url, world)
    for one in (controller, other):
        await report(one, rollout, evidence(0), sequence=1)
    world.now_s += 100
    await controller.look()
    await other.look()
    _, _, looks = await controller.rollout(rollout.id)
    assert [one.decision.action for one in looks] == ["advance"]
    plan = await other.exchange(Report("replica", 2, DEPLOYED))
    assert plan.rollout is not None
    assert plan.rollout.stage == 1


async def test_an_application_that_stays_broken_ends_it_at_once(
    controller: Controller, world: World
) -> None:
    rollout = await start(controller)
    world.broken = ["gb"]
    await controller.look()
    world.now_s += 5
    await controller.look()
    assert (await controller.rollouts(1))[0].state.phase == "running"
    world.now_s += 6
    await controller.look()
    found, _, looks = await controller.rollout(rollout.id)
    assert found.state.phase == "rolled_back"
    assert "gb is broken" in looks[-1].decision.reason


async def test_an_application_that_comes_back_harms_nothing(
    controller: Controller, world: World
) -> None:
    await start(controller)
    for broken in (["gb"], [], ["gb"], []):
        world.broken = broken
        await controller.look()
        world.now_s += 8
    assert (await controller.rollouts(1))[0].state.phase == "running"


async def test_one_at_a_time(controller: Controller) -> None:
    await start(controller)
    with pytest.raises(Conflict):
        await start(controller)
    with pytest.raises(Conflict):
        await controller.set_traffic({"a": 1.0}, by="bob", deployed=DEPLOYED)


async def test_a_release_against_itself_is_refused(controller: Controller) -> None:
    with pytest.raises(InvalidRequest):
        await controller.start(RolloutRequest("a", "a", None, None, "x", {}, DEPLOYED))


async def test_people_step_in(controller: Controller) -> None:
    rollout = await start(controller)
    paused = await controller.command(rollout.id, "pause", by="bob", why="lunch")
    assert (paused.state.phase, paused.state.reason) == ("paused", "pause by bob: lunch")
    promoted = await controller.command(rollout.id, "promote", by="bob", why="")
    assert promoted.state.phase == "promoted"
    plan = await controller.exchange(Report("replica", 1, DEPLOYED))
    assert plan.override is not None
    with pytest.raises(InvalidRequest):
        await controller.command(rollout.id, "roll_back", by="bob", why="")
    with pytest.raises(NotFound):
        await controller.command("none", "pause", by="bob", why="")


async def plan(controller: Controller, replica: str, deployed: dict[str, float]) -> TrafficPlan:
    await controller.exchange(Report(replica, 1, deployed))
    await controller.look()
    return await controller.exchange(Report(replica, 2, deployed))


OTHER = {"a": 0.5, "b": 0.5}


async def test_whoever_deploys_other_weights_has_the_last_word(
    controller: Controller, world: World
) -> None:
    await plan(controller, "one", DEPLOYED)
    await controller.set_traffic({"b": 1.0}, by="bob", deployed=DEPLOYED)
    assert (await plan(controller, "late", OTHER)).override, "a replica may be late"
    world.now_s += 11
    assert (await plan(controller, "one", DEPLOYED)).override
    assert (await plan(controller, "one", OTHER)).override is None
    assert (await plan(controller, "one", DEPLOYED)).override is None


async def test_a_replica_that_drains_takes_nothing_back(
    controller: Controller, world: World
) -> None:
    await plan(controller, "old", DEPLOYED)
    world.now_s += 1
    await plan(controller, "new", OTHER)
    rollout = await start(controller)
    await controller.command(rollout.id, "promote", by="bob", why="")
    for _ in range(20):
        world.now_s += 1
        await plan(controller, "new", OTHER)
        last = await plan(controller, "old", DEPLOYED)
    assert last.override is not None
    assert last.override.deployed == OTHER


async def test_a_command_goes_on_when_its_caller_leaves(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = await start(controller)
    change = ControlStore.change

    def slowly(*args: object, **options: object) -> object:
        time.sleep(0.05)
        return change(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ControlStore, "change", slowly)
    command = asyncio.create_task(controller.command(rollout.id, "roll_back", by="bob", why=""))
    await asyncio.sleep(0.02)
    command.cancel()
    with pytest.raises(asyncio.CancelledError):
        await command
    await controller.look()
    assert (await controller.exchange(Report("replica", 1, DEPLOYED))).rollout is None


@pytest.mark.parametrize("method", ["evidence", "active", "override"])
async def test_a_database_that_fails_once_stops_nothing(
    controller: Controller, world: World, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    rollout = await start(controller)

    def fail(*_: object) -> None:
        raise Unavailable("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(ControlStore, method, fail)
        with pytest.raises(Unavailable):
            await controller.command(rollout.id, "advance", by="bob", why="")
    await controller.look()
    found = await controller.exchange(Report("replica", 1, DEPLOYED))
    assert found.rollout is not None
    assert found.rollout.stage == 1
    world.now_s += 10_000
    await controller.look()
    assert (await controller.rollouts(1))[0].state.phase == "paused"


async def test_a_command_for_a_stage_that_has_passed_is_refused(controller: Controller) -> None:
    rollout = await start(controller)
    await controller.command(rollout.id, "advance", by="bob", why="", stage=0)
    with pytest.raises(Conflict):
        await controller.command(rollout.id, "advance", by="bob", why="", stage=0)


async def test_a_health_check_that_breaks_switches_nothing_off(
    controller: Controller, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = await start(controller)

    def broken(names: Iterable[str]) -> Sequence[str]:
        raise RuntimeError("nobody knows")

    monkeypatch.setattr(controller._health, "_unhealthy", broken)
    await report(controller, rollout, evidence(0, errors=0.9), sequence=1)
    assert (await controller.rollouts(1))[0].state.phase == "rolled_back"


async def test_a_health_check_that_hangs_switches_nothing_off(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.control.health._PATIENCE_S", 0.02)
    monkeypatch.setattr(controller._health, "_unhealthy", lambda names: time.sleep(0.3))
    rollout = await start(controller)
    await report(controller, rollout, evidence(0, errors=0.9), sequence=1)
    assert (await controller.rollouts(1))[0].state.phase == "rolled_back"
    await asyncio.sleep(0.3)


async def test_another_controllers_decision_holds_here_too(
    controller: Controller, url: str, world: World
) -> None:
    rollout = await start(controller)
    other = await make(url, world)
    await other.command(rollout.id, "roll_back", by="bob", why="")
    await controller.look()
    assert (await controller.exchange(Report("replica", 1, DEPLOYED))).rollout is None


async def test_a_plan_does_not_wait_for_the_database(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    await start(controller)
    monkeypatch.setattr(ControlStore, "note", lambda *_: time.sleep(0.3))
    look = asyncio.create_task(controller.look())
    await asyncio.sleep(0.02)
    started_s = time.perf_counter()
    await controller.exchange(Report("replica", 1, DEPLOYED))
    assert time.perf_counter() - started_s < 0.1
    await look


async def test_many_replicas_are_kept_together(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = await start(controller)
    keep, kept = ControlStore.keep_evidence, []

    def count(
        store: ControlStore, rollout_id: str, found: Evidence, received: object, *, fence: int
    ) -> None:
        kept.append(received)
        keep(store, rollout_id, found, received, fence=fence)  # type: ignore[arg-type]

    monkeypatch.setattr(ControlStore, "keep_evidence", count)
    exchanges = [
        asyncio.create_task(
            controller.exchange(
                Report(name, 1, DEPLOYED, rollout_id=rollout.id, evidence=evidence(0))
            )
        )
        for name in ("one", "two", "three", "one")
    ]
    await asyncio.sleep(0)
    await controller.look()
    await asyncio.gather(*exchanges)
    assert kept == [{"one": 1, "two": 1, "three": 1}]
    assert await requests_of(controller, rollout) == 6000


async def test_a_look_that_changes_nothing_is_kept_now_and_then(
    controller: Controller, world: World
) -> None:
    await start(controller)
    kept = []
    for _ in range(30):
        kept.append(await controller.look())
        world.now_s += 1
    assert kept.count(True) == 3


async def test_without_a_database_evidence_is_not_taken_for_kept(
    controller: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = await start(controller)

    def fail(*_: object, **__: object) -> None:
        raise Unavailable("the database is away")

    letter = Report("replica", 1, DEPLOYED, rollout_id=rollout.id, evidence=evidence(0))
    with monkeypatch.context() as patched:
        patched.setattr(ControlStore, "keep_evidence", fail)
        exchange = asyncio.create_task(controller.exchange(letter))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await controller.look()
        with pytest.raises(Unavailable):
            await exchange
    await report(controller, rollout, evidence(0), sequence=1)
    assert await requests_of(controller, rollout) == 2000


async def test_evidence_that_does_not_add_up_holds_up_no_other(
    controller: Controller, caplog: pytest.LogCaptureFixture
) -> None:
    """A replica of another version may have blocks of another length."""
    rollout = await start(controller)
    odd = replace(evidence(0), block_s=POLICY.block_s * 2)
    letter = Report("odd", 1, DEPLOYED, rollout_id=rollout.id, evidence=odd)
    waiting = asyncio.create_task(controller.exchange(letter))
    await report(controller, rollout, evidence(0), sequence=1)
    assert (await waiting).rollout is not None
    assert await requests_of(controller, rollout) == 2000
    assert "the evidence of replica odd does not add up" in caplog.text
