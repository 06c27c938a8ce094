"""Work on many items, some of them at once, so that the stages have batches to make."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def each(
    items: Sequence[T],
    work: Callable[[T], Awaitable[R]],
    *,
    at_once: int,
    on_done: Callable[[], None],
) -> list[R]:
    """Returns what `work` returns for each item, in their order. What it raises for one of them
    ends the others."""
    gate = asyncio.Semaphore(at_once)

    async def one(item: T) -> R:
        async with gate:
            result = await work(item)
        on_done()
        return result

    tasks = [asyncio.create_task(one(item)) for item in items]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
