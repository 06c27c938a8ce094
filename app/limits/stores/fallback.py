"""What limits when the store is away: each replica by itself, at its share. Neither open nor shut.

Until the store is left alone (`Circuit`), what failed is asked again: a server that is merely slow
must not have each replica let pass a part of its own beside it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from app.limits.stores.memory_store import MemoryStore
from app.limits.stores.operations import Decision, Move, Operation, Store
from app.storage.circuit import Circuit, StoreAway


class FallbackStore:
    """A `Store` over one that may be away, which answers by itself meanwhile.

    Args:
        store: The store of all replicas.
        max_replicas: How many replicas there may be: each has this part of every limit.
        local: The store of this replica.
        now: Clock in seconds; monotonic.
    """

    def __init__(
        self,
        store: Store,
        *,
        max_replicas: int,
        local: Store | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._max_replicas = max_replicas
        self._local = local or MemoryStore()
        self._circuit = Circuit(
            "the store of limits",
            f"this replica limits by itself, at a part of {max_replicas}",
            now,
        )

    @property
    def is_away(self) -> bool:
        """Whether the store is left alone at this moment, or was when it was last asked."""
        return self._circuit.is_away

    @property
    def failed_calls(self) -> int:
        """Calls of the store that failed, since the start."""
        return self._circuit.failed_calls

    def run(self, operations: Sequence[Operation]) -> list[Decision]:
        """See `Store.run`; raises nothing."""
        # What this replica decided alone is settled here: the store never knew of it.
        shared = [operation for operation in operations if not operation.local]
        decisions = self._ask(shared)
        if decisions is None:
            return self._run_locally(operations)
        together = iter(decisions)
        alone = iter(self._run_locally([each for each in operations if each.local]))
        return [next(alone if operation.local else together) for operation in operations]

    def close(self) -> None:
        """See `Store.close`."""
        self._store.close()

    def _ask(self, operations: Sequence[Operation]) -> list[Decision] | None:
        """Returns the store's answer, None where it is away."""
        if not operations:
            return []
        while self._circuit.may_ask:
            try:
                decisions = self._store.run(operations)
            except StoreAway as error:
                self._circuit.failed(error)
                operations = [_repeatable(operation) for operation in operations]
            else:
                self._circuit.succeeded()
                return decisions
        return None

    def _run_locally(self, operations: Sequence[Operation]) -> list[Decision]:
        shares = [self._share_of(operation) for operation in operations]
        return [replace(decision, local=True) for decision in self._local.run(shares)]

    def _share_of(self, operation: Operation) -> Operation:
        """Returns the operation over this replica's part of every limit; what is worth more than a
        whole part may pass over a full bucket."""
        if operation.forced and not operation.local:
            # Settles what the store reserved: nothing here has to come back. Places are kept.
            return replace(
                operation, moves=tuple(replace(move, delta_us=0) for move in operation.moves)
            )
        return replace(
            operation,
            moves=tuple(self._share_of_move(move) for move in operation.moves),
            leases=tuple(
                replace(lease, limit=max(lease.limit // self._max_replicas, 1))
                for lease in operation.leases
            ),
        )

    def _share_of_move(self, move: Move) -> Move:
        delta_us = move.delta_us * self._max_replicas
        return replace(move, delta_us=max(min(delta_us, move.period_us), -move.period_us))


def _repeatable(operation: Operation) -> Operation:
    """Returns what may be done again although it may have been done: a request that counts twice
    costs its caller one, but what came back twice would be given away."""
    if not operation.forced:
        return operation
    moves = tuple(replace(move, delta_us=max(move.delta_us, 0)) for move in operation.moves)
    return replace(operation, moves=moves)
