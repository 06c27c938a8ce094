"""Several things at once, of which none runs on when one has failed.

`asyncio.gather` hands on the first error and leaves the others running, for nobody; a `TaskGroup`
stops them, and hands on a group in place of the error. Here the others stop, and the error arrives
as itself.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar, overload

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


@overload
async def gather_or_cancel(first: Awaitable[A], second: Awaitable[B], /) -> tuple[A, B]: ...


@overload
async def gather_or_cancel(
    first: Awaitable[A], second: Awaitable[B], third: Awaitable[C], /
) -> tuple[A, B, C]: ...


@overload
async def gather_or_cancel(*awaitables: Awaitable[T]) -> tuple[T, ...]: ...


async def gather_or_cancel(*awaitables: Awaitable[T]) -> tuple[T, ...]:
    """Returns what the awaitables return, in their order; they run at the same time.

    When one fails, or the caller is cancelled, the others are cancelled, and have ended when this
    raises. Of several that failed in the same moment the first in order is raised; an awaitable
    that was cancelled by somebody else fails as itself once all others have ended.
    """
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    if not tasks:
        return ()
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error
        return tuple(task.result() for task in tasks)
    finally:
        running = [task for task in tasks if task.cancel()]
        if running:
            await asyncio.wait(running)
        for task in tasks:
            # An error that nobody asks for is reported as lost.
            if task.done() and not task.cancelled():
                task.exception()


async def gather_outcomes(*awaitables: Awaitable[T]) -> tuple[T | Exception, ...]:
    """Returns what each awaitable returns, or the error that it raised, in their order; one that
    fails harms no other. When the caller is cancelled, all are."""
    return await gather_or_cancel(*(_outcome(awaitable) for awaitable in awaitables))


async def _outcome(awaitable: Awaitable[T]) -> T | Exception:
    try:
        return await awaitable
    except Exception as error:
        return error
