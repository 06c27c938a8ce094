"""Limits in this process alone: for tests, and for a replica whose store is away."""

import time
from collections.abc import Sequence

from app.limits.stores.deciding import Clock, decide
from app.limits.stores.operations import Decision, Operation

_SWEEP_EVERY = 4096
"""Operations between two looks at what has run out."""


def wall_clock_us() -> int:
    """Returns microseconds since the epoch."""
    return time.time_ns() // 1000


class MemoryTable:
    """A `Table` of dictionaries."""

    def __init__(self) -> None:
        self._arrivals: dict[str, int] = {}
        self._places: dict[str, dict[str, int]] = {}

    def arrival_us(self, name: str) -> int | None:
        """See `Table.arrival_us`."""
        return self._arrivals.get(name)

    def keep(self, name: str, arrival_us: int | None) -> None:
        """See `Table.keep`."""
        if arrival_us is None:
            self._arrivals.pop(name, None)
        else:
            self._arrivals[name] = arrival_us

    def taken(self, name: str, now_us: int) -> int:
        """See `Table.taken`. Takes time that grows with the places of the set."""
        places = self._places.get(name, {})
        for member in [member for member, until_us in places.items() if until_us <= now_us]:
            del places[member]
        return len(places)

    def take(self, name: str, member: str, until_us: int) -> None:
        """See `Table.take`."""
        self._places.setdefault(name, {})[member] = until_us

    def give_back(self, name: str, member: str) -> None:
        """See `Table.give_back`."""
        self._places.get(name, {}).pop(member, None)

    def sweep(self, now_us: int) -> None:
        """Forgets what has run out: full buckets, and sets without places."""
        self._arrivals = {name: at for name, at in self._arrivals.items() if at > now_us}
        self._places = {
            name: held for name, held in self._places.items() if self.taken(name, now_us)
        }


class MemoryStore:
    """A `Store` for one process.

    Args:
        now_us: The clock.
    """

    def __init__(self, now_us: Clock = wall_clock_us) -> None:
        self._now_us = now_us
        self._table = MemoryTable()
        self._operations = 0

    def run(self, operations: Sequence[Operation]) -> list[Decision]:
        """See `Store.run`."""
        now_us = self._now_us()
        self._operations += len(operations)
        if self._operations >= _SWEEP_EVERY:
            self._operations = 0
            self._table.sweep(now_us)
        return [decide(operation, self._table, now_us) for operation in operations]

    def close(self) -> None:
        """See `Store.close`."""
