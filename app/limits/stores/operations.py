"""What a store of limits is asked, and what it answers: one shape for all three stores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.limits.stores.gcra import MINUTE_US


@dataclass(frozen=True, slots=True)
class Move:
    """A bucket, and how far it moves.

    Attributes:
        name: Of the bucket.
        delta_us: See `gcra.cost_us`; below zero it gives back.
        period_us: Time in which the bucket fills.
    """

    name: str
    delta_us: int
    period_us: int = MINUTE_US


@dataclass(frozen=True, slots=True)
class Lease:
    """A place among the requests that are under way.

    Attributes:
        name: Of the set of places.
        member: Who takes it; no two take the same.
        limit: Places that there are.
        ttl_us: Time after which it is free unless somebody renews it; 0 gives it back.
    """

    name: str
    member: str
    limit: int = 0
    ttl_us: int = 0


@dataclass(frozen=True, slots=True)
class Operation:
    """Buckets and places of one tenant that change together, or not at all.

    Attributes:
        moves: The buckets.
        leases: The places.
        forced: Whether nothing refuses it: a settlement, a renewal.
        local: Whether it belongs to what a replica decided while the store was away.
    """

    moves: tuple[Move, ...] = ()
    leases: tuple[Lease, ...] = ()
    forced: bool = False
    local: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of an operation.

    Attributes:
        used_us: By bucket, its arrival time less the store's time, after the operation.
        taken: By lease, how many places of its set are taken.
        wait_us: Time after which the same operation may pass; 0 where it did.
        refused_by: Place of the first bucket, or else lease after all buckets, that refused it;
            None where it passed.
        local: Whether the replica decided by itself, because the store was away.
    """

    used_us: tuple[int, ...] = ()
    taken: tuple[int, ...] = ()
    wait_us: int = 0
    refused_by: int | None = None
    local: bool = False

    @property
    def passed(self) -> bool:
        """Whether the operation was done."""
        return self.refused_by is None


class Store(Protocol):
    """Keeps buckets and places for all replicas. Its methods block: one thread calls them."""

    def run(self, operations: Sequence[Operation]) -> list[Decision]:
        """Does operations in this order, each of them whole or not at all.

        Raises:
            StoreAway: the store does not answer; nothing is known of what it did.
        """
        ...

    def close(self) -> None:
        """Frees what it holds."""
        ...
