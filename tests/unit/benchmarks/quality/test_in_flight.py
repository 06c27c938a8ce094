"""Many items at once, but never too many."""

import asyncio

import pytest

from benchmarks.quality.in_flight import each


async def test_results_keep_the_order_of_their_items() -> None:
    done: list[int] = []

    async def work(item: int) -> int:
        await asyncio.sleep((3 - item) * 1e-3)
        return item * 10

    assert await each([0, 1, 2], work, at_once=3, on_done=lambda: done.append(1)) == [0, 10, 20]
    assert len(done) == 3


async def test_no_more_than_so_many_are_on_their_way() -> None:
    running = most = 0

    async def work(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    await each(range(20), work, at_once=4, on_done=lambda: None)
    assert most == 4


async def test_failure_of_one_ends_the_others() -> None:
    ended: list[int] = []

    async def work(item: int) -> None:
        if item == 0:
            raise ValueError("broken")
        await asyncio.sleep(0.2)
        ended.append(item)

    with pytest.raises(ValueError, match="broken"):
        await each([0, 1], work, at_once=2, on_done=lambda: None)
    await asyncio.sleep(0)
    assert ended == []
