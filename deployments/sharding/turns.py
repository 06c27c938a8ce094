"""Parties of which each can say the same: another one is asked each time, and the next where it is
away."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from deployments.contracts.errors import Unavailable

Party = TypeVar("Party")
Answer = TypeVar("Answer")


class Turns(Generic[Party]):
    """Takes turns at some parties.

    Args:
        parties: One at least.
    """

    def __init__(self, parties: Sequence[Party]) -> None:
        self._parties = tuple(parties)
        self._turn = 0

    async def ask(self, ask: Callable[[Party], Awaitable[Answer]]) -> Answer:
        """Returns what one of them says.

        Raises:
            Unavailable: all of them are away; what the last one raises.
        """
        self._turn += 1
        first = self._turn % len(self._parties)
        *others, last = (*self._parties[first:], *self._parties[:first])
        for party in others:
            try:
                return await ask(party)
            except Unavailable:
                continue
        return await ask(last)
