"""Of several controllers one decides: the others wait until it is silent, and it finds out."""

from pathlib import Path

import pytest

from deployments.contracts.errors import Unavailable
from deployments.control.controller import Controller
from tests.unit.deployments.control.deciding import (
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


async def test_a_second_controller_waits_until_the_first_is_silent(
    controller: Controller, url: str, world: World
) -> None:
    rollout = await start(controller)
    await report(controller, rollout, evidence(0), sequence=1, replica="a")
    other = await make(url, world, name="two")
    with pytest.raises(Unavailable, match="Another controller"):
        await report(other, rollout, evidence(0), sequence=1, replica="b")
    world.now_s += 4
    await controller.look()  # it lives
    await other.look()
    world.now_s += 4
    with pytest.raises(Unavailable, match="Another controller"):
        await report(other, rollout, evidence(0), sequence=1, replica="b")
    world.now_s += 4
    await report(other, rollout, evidence(0), sequence=1, replica="b")
    assert await requests_of(other, rollout) == 4000, "what the first had taken is not lost"


async def test_a_controller_that_slept_writes_nothing_over_what_the_next_one_wrote(
    controller: Controller, url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = await start(controller)
    await report(controller, rollout, evidence(0), sequence=1, replica="a")
    other = await make(url, world, name="two")
    await other.look()
    world.now_s += 7
    await report(other, rollout, evidence(0), sequence=1, replica="b")
    # It goes on in the middle of a turn: what it believes of itself is old.
    monkeypatch.setattr(controller._lease, "take", lambda: controller._fence)
    with pytest.raises(Unavailable, match="taken over"):
        await report(controller, rollout, evidence(0), sequence=2, replica="a")
    assert await requests_of(other, rollout) == 4000
    monkeypatch.undo()
    await controller.look()
    with pytest.raises(Unavailable, match="Another controller"):
        await report(controller, rollout, evidence(0), sequence=2, replica="a")


async def test_what_a_person_asks_for_any_controller_does(
    controller: Controller, url: str, world: World
) -> None:
    rollout = await start(controller)
    await controller.look()
    other = await make(url, world, name="two")
    await other.command(rollout.id, "pause", by="bob", why="")
    await controller.look()
    assert (await controller.rollouts(1))[0].state.phase == "paused"
