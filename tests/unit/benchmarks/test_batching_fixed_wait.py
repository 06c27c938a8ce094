"""The batcher with a timer: when it runs, what it runs, and what it does with a failure."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence

import pytest

from benchmarks.batching_study.fixed_wait import FixedWaitBatcher


class Doubling:
    """A model that keeps its batches and fails for a negative item."""

    def __init__(self, run_s: float = 0.0) -> None:
        self.batches: list[list[int]] = []
        self.run_s = run_s

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        time.sleep(self.run_s)
        if min(items) < 0:
            raise ValueError("negative")
        return [2 * item for item in items]


@pytest.fixture
async def model() -> Doubling:
    return Doubling()


@pytest.fixture
async def batcher(model: Doubling) -> AsyncIterator[FixedWaitBatcher]:
    made = FixedWaitBatcher(model, max_batch_requests=4, wait_s=0.02)
    yield made
    made.close()


async def test_one_alone_waits_for_the_timer(batcher: FixedWaitBatcher, model: Doubling) -> None:
    started_s = time.perf_counter()
    assert await batcher.submit(3) == 6
    assert time.perf_counter() - started_s >= 0.019
    assert model.batches == [[3]]


async def test_a_full_batch_runs_at_once(model: Doubling) -> None:
    batcher = FixedWaitBatcher(model, max_batch_requests=3, wait_s=60.0)
    results = await asyncio.wait_for(asyncio.gather(*map(batcher.submit, range(6))), 5)
    batcher.close()
    assert results == [0, 2, 4, 6, 8, 10]
    assert model.batches == [[0, 1, 2], [3, 4, 5]]


async def test_what_comes_while_the_model_runs_joins_one_batch() -> None:
    model = Doubling(run_s=0.1)
    batcher = FixedWaitBatcher(model, max_batch_requests=8, wait_s=0.0)
    first = asyncio.create_task(batcher.submit(1))
    rest = []
    for item in range(2, 6):
        await asyncio.sleep(0.01)
        rest.append(asyncio.create_task(batcher.submit(item)))
    assert await asyncio.gather(first, *rest) == [2, 4, 6, 8, 10]
    batcher.close()
    assert model.batches == [[1], [2, 3, 4, 5]]


async def test_two_batches_run_at_once_where_that_is_allowed() -> None:
    both = threading.Barrier(2)

    def meet(items: Sequence[int]) -> Sequence[int]:
        both.wait(5)
        return items

    batcher = FixedWaitBatcher(meet, max_batch_requests=1, wait_s=0.0, concurrent_batches=2)
    assert await asyncio.gather(*map(batcher.submit, (1, 2))) == [1, 2]
    batcher.close()


async def test_a_failure_fails_its_batch_and_no_later_one(batcher: FixedWaitBatcher) -> None:
    results = await asyncio.gather(batcher.submit(1), batcher.submit(-1), return_exceptions=True)
    assert [str(result) for result in results] == ["negative", "negative"]
    assert await batcher.submit(4) == 8


async def test_whoever_has_gone_is_left_out(batcher: FixedWaitBatcher, model: Doubling) -> None:
    gone = asyncio.create_task(batcher.submit(1))
    stays = asyncio.create_task(batcher.submit(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 4
    assert model.batches == [[2]]
