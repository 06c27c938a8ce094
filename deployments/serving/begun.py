"""A stream that has begun: its first item is there, and what is behind it is freed when it is
closed, whether or not anybody read it."""

from collections.abc import AsyncGenerator
from typing import Any, TypeVar

T = TypeVar("T")


class BegunStream(AsyncGenerator[T, None]):
    """Gives the first item, then the rest.

    An async generator that was never advanced runs none of its `finally` blocks when it is closed.
    This one was, so closing it runs them all before `aclose` returns.

    Args:
        first: What the generator yielded first.
        rest: The generator.
    """

    def __init__(self, first: T, rest: AsyncGenerator[T, None]) -> None:
        self._first: list[T] = [first]
        self._rest = rest

    async def __anext__(self) -> T:
        """Returns the next item."""
        return self._first.pop() if self._first else await anext(self._rest)

    async def asend(self, value: None) -> T:
        """See `__anext__`."""
        return await self.__anext__()

    async def athrow(self, *error: Any) -> T:
        """Raises inside the generator."""
        self._first.clear()
        return await self._rest.athrow(*error)

    async def aclose(self) -> None:
        """Closes the generator."""
        self._first.clear()
        await self._rest.aclose()


async def begin(stream: AsyncGenerator[T, None]) -> BegunStream[T]:
    """Returns a stream once its first item is there; closes it where it fails before.

    Raises:
        Exception: what the stream raised in place of its first item.
    """
    try:
        return BegunStream(await anext(stream), stream)
    except BaseException:
        await stream.aclose()
        raise
