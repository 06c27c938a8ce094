"""The entries that wait for a model, in the order in which it is their turn."""

import asyncio
import math
from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Generic, TypeVar

from deployments.contracts.calls import Times

Item = TypeVar("Item")
Result = TypeVar("Result")

_GUARANTEED_SHARE = 0.25
"""Share of the served tokens that a call of many entries gets at least."""


@dataclass(frozen=True, slots=True)
class Completed(Generic[Result]):
    """A result with the time its entry waited, the time its batch took, and the batch's entries."""

    value: Result
    queue_ms: float
    inference_ms: float
    batch_size: int = 1


def slowest(done: Sequence[Completed[Result]]) -> Times:
    """Returns the longest wait, and of the batches that the entries of a call were in, the longest
    time and the largest size."""
    return Times(
        queue_ms=max(entry.queue_ms for entry in done),
        inference_ms=max(entry.inference_ms for entry in done),
        batch_size=max(entry.batch_size for entry in done),
    )


@dataclass(slots=True)
class Entry(Generic[Item, Result]):
    """One item that waits for its result."""

    item: Item
    tokens: int
    queued_at_s: float
    deadline_s: float
    future: "asyncio.Future[Completed[Result]]" = field(repr=False)
    call: "list[Entry[Item, Result]]" = field(repr=False)
    """All entries of the same call: when one fails, nobody waits for the others."""
    background: bool = False
    """Whether nobody sits waiting for it."""
    turn: tuple[int, int] = (0, 0)
    """Its place in the fair order, then its place among all arrivals."""

    def is_awaited(self) -> bool:
        """Returns whether anybody still wants the result."""
        return not self.future.done()


class FairQueue(Generic[Item, Result]):
    """Entries in fair order: calls take turns by the tokens they have been served.

    Calls of one entry each are served first come, first served. A call of many entries yields to
    those that come while it is served: a question passes thousands of passages that are being
    indexed. Under a flood of questions it still gets `_GUARANTEED_SHARE` of the model.

    Start-time fair queueing, with a virtual time that also advances by a share of what is served,
    because calls that never come twice are too many to take turns with.
    Source: Goyal, Vin and Cheng, Start-time Fair Queuing, SIGCOMM 1996, section 2.
    """

    def __init__(self) -> None:
        self._entries: list[Entry[Item, Result]] = []
        self._arrivals = count()
        self._virtual_time_tokens = 0
        self.tokens = 0
        """Sum over the entries that wait."""

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entries: Sequence[Entry[Item, Result]]) -> None:
        """Adds the entries of one call, in the order in which they shall be served."""
        before_tokens = 0
        for entry in entries:
            entry.turn = (self._virtual_time_tokens + before_tokens, next(self._arrivals))
            before_tokens += entry.tokens
            insort(self._entries, entry, key=_turn)
        self.tokens += before_tokens

    def tokens_ahead(self) -> int:
        """Returns the tokens that would be served before a call that came now."""
        turn = (self._virtual_time_tokens, next(self._arrivals))
        ahead = bisect_right(self._entries, turn, key=_turn)
        return sum(entry.tokens for entry in islice(self._entries, ahead))

    def take(
        self,
        plan: Callable[[Sequence[int]], Sequence[int]],
        *,
        window: int,
        background: bool | None = None,
    ) -> list[Entry[Item, Result]]:
        """Removes and returns the next batch.

        Args:
            plan: Takes the tokens of the entries that are next, returns the places of those to
                take.
            window: How many entries are looked at.
            background: The only kind of entries that is taken; None takes both. At least one of
                the kind must wait.
        """
        kind = (one for one in self._entries if background in (None, one.background))
        next_ones = list(islice(kind, window))
        places = plan([entry.tokens for entry in next_ones])
        batch = [next_ones[place] for place in places]
        taken = set(map(id, batch))
        tokens = sum(entry.tokens for entry in batch)
        self._virtual_time_tokens = max(
            self._virtual_time_tokens + int(_GUARANTEED_SHARE * tokens), next_ones[0].turn[0]
        )
        self._entries = [entry for entry in self._entries if id(entry) not in taken]
        self.tokens -= tokens
        return batch

    def next_kinds(self) -> tuple[bool, bool]:
        """Returns whether the entry whose turn it is is in the background, and whether any other
        waits that is not."""
        first = self._entries[0].background
        return first, not first or any(not entry.background for entry in self._entries)

    def background_deadline_s(self) -> float:
        """Returns when the first of the entries in the background must be done, infinity where none
        waits."""
        deadlines_s = (entry.deadline_s for entry in self._entries if entry.background)
        return min(deadlines_s, default=math.inf)

    def drop_dead(self, now_s: float) -> list[Entry[Item, Result]]:
        """Forgets entries that nobody awaits, and removes and returns those past their deadline."""
        awaited = [entry for entry in self._entries if entry.is_awaited()]
        late = [entry for entry in awaited if entry.deadline_s <= now_s]
        if late or len(awaited) < len(self._entries):
            self._entries = [entry for entry in awaited if entry.deadline_s > now_s]
            self.tokens = sum(entry.tokens for entry in self._entries)
        return late

    def clear(self) -> list[Entry[Item, Result]]:
        """Removes and returns everything."""
        entries, self._entries, self.tokens = self._entries, [], 0
        return entries


def _turn(entry: Entry[Item, Result]) -> tuple[int, int]:
    return entry.turn
