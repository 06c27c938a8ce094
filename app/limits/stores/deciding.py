"""How an operation is decided over a table of buckets and places: what the Lua script of Redis does
as well, line by line."""

from collections.abc import Callable
from typing import Protocol

from app.limits.stores.gcra import arrival_us, moved_us
from app.limits.stores.operations import Decision, Operation

LEASE_WAIT_US = 1_000_000
"""When a place comes free is not known; by then one may have."""


class Table(Protocol):
    """Where arrival times and places are kept."""

    def arrival_us(self, name: str) -> int | None:
        """Returns the arrival time of a bucket; None where none is kept."""
        ...

    def keep(self, name: str, arrival_us: int | None) -> None:
        """Keeps the arrival time of a bucket; None forgets it: it is full."""
        ...

    def taken(self, name: str, now_us: int) -> int:
        """Returns how many places of a set are taken, after those whose time is over were freed."""
        ...

    def take(self, name: str, member: str, until_us: int) -> None:
        """Takes a place, or keeps it for longer."""
        ...

    def give_back(self, name: str, member: str) -> None:
        """Frees a place, where it is taken."""
        ...


def decide(operation: Operation, table: Table, now_us: int) -> Decision:
    """Does an operation, or nothing: all is checked before anything is written."""
    return (_settle if operation.forced else _reserve)(operation, table, now_us)


def _reserve(operation: Operation, table: Table, now_us: int) -> Decision:
    arrivals = [
        arrival_us(table.arrival_us(move.name), now_us, move.period_us) for move in operation.moves
    ]
    taken = [table.taken(lease.name, now_us) for lease in operation.leases]
    wait_us, refused_by = 0, None
    for place, (move, arrival) in enumerate(zip(operation.moves, arrivals, strict=True)):
        if (over_us := arrival + move.delta_us - move.period_us - now_us) > wait_us:
            wait_us, refused_by = over_us, place
    if refused_by is None:
        for place, (lease, count) in enumerate(zip(operation.leases, taken, strict=True)):
            if count >= lease.limit:
                wait_us, refused_by = LEASE_WAIT_US, len(operation.moves) + place
                break
    if refused_by is not None:
        used_us = tuple(arrival - now_us for arrival in arrivals)
        return Decision(used_us, tuple(taken), wait_us, refused_by)
    for move, arrival in zip(operation.moves, arrivals, strict=True):
        _keep(table, move.name, arrival + move.delta_us, now_us)
    for lease in operation.leases:
        table.take(lease.name, lease.member, now_us + lease.ttl_us)
    used_us = tuple(
        arrival + move.delta_us - now_us
        for move, arrival in zip(operation.moves, arrivals, strict=True)
    )
    return Decision(used_us, tuple(count + 1 for count in taken))


def _settle(operation: Operation, table: Table, now_us: int) -> Decision:
    used_us = []
    for move in operation.moves:
        kept = table.arrival_us(move.name)
        arrival = moved_us(kept, now_us, move.period_us, move.delta_us)
        _keep(table, move.name, arrival, now_us)
        used_us.append(arrival - now_us)
    for lease in operation.leases:
        if lease.ttl_us:
            table.take(lease.name, lease.member, now_us + lease.ttl_us)
        else:
            table.give_back(lease.name, lease.member)
    return Decision(tuple(used_us))


def _keep(table: Table, name: str, arrival_us: int, now_us: int) -> None:
    table.keep(name, arrival_us if arrival_us > now_us else None)


Clock = Callable[[], int]
"""Returns microseconds since the epoch."""
