"""What takes a moment to find out, and may be some seconds old: found out once for all who want to
know it meanwhile."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """The latest value, of the key that was asked for last.

    Args:
        read: Finds it out.
        for_s: So old it may be.
        now: Clock in seconds; monotonic.
    """

    def __init__(
        self,
        read: Callable[[Key], Awaitable[Value]],
        *,
        for_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._for_s = for_s
        self._now = now
        self._latest: tuple[Key, float, Value] | None = None
        self._turn = asyncio.Lock()

    async def get(self, key: Key) -> Value:
        """Returns the value; whoever comes while it is found out waits for the same one. An error
        is not kept."""
        async with self._turn:
            now_s = self._now()
            if self._latest is not None:
                known, at_s, value = self._latest
                if known == key and now_s - at_s < self._for_s:
                    return value
            value = await self._read(key)
            self._latest = key, now_s, value
            return value
