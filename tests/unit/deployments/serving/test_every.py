"""Work that is done again and again."""

import asyncio
import logging
from itertools import pairwise

import pytest

from deployments.contracts.errors import Unavailable
from deployments.serving.every import every


async def test_it_goes_on_whatever_becomes_of_a_turn(caplog: pytest.LogCaptureFixture) -> None:
    turns: list[int] = []
    enough = asyncio.Event()

    async def work() -> None:
        turns.append(len(turns))
        if len(turns) == 1:
            raise Unavailable("nobody there")
        if len(turns) == 2:
            raise ValueError("a bug")
        if len(turns) == 4:
            enough.set()

    with caplog.at_level(logging.WARNING, logger="ray.serve"):
        task = asyncio.create_task(every(0.001, work, fails="nothing was done"))
        await asyncio.wait_for(enough.wait(), 5.0)
        task.cancel()
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert "nothing was done: nobody there" in caplog.text


async def test_it_waits_between_two_turns() -> None:
    turns: list[float] = []
    enough = asyncio.Event()

    async def work() -> None:
        turns.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.02)
        if len(turns) == 3:
            enough.set()

    task = asyncio.create_task(every(0.03, work, fails="x"))
    await asyncio.wait_for(enough.wait(), 5.0)
    task.cancel()
    # The clock of the loop may call a timer due a moment early.
    assert min(later - earlier for earlier, later in pairwise(turns)) >= 0.045
