"""Limits and budgets of one replica of the gateway: what the gate and the routes call."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

from app.limits.budget_book import BudgetBook
from app.limits.budget_counts import BudgetCounts
from app.limits.charge import RequestCharge, shielded
from app.limits.counts import LimitCounts
from app.limits.rates import LEASE_TTL_US, RENEW_EVERY_S
from app.limits.stores.fallback import FallbackStore
from app.limits.stores.operations import Decision, Lease, Move, Operation
from app.limits.subjects import subjects_of
from app.request.principal import Principal
from app.storage.writer import GroupWriter
from deployments.serving.every import every


class Limiter:
    """Charges requests to their keys and tenants.

    Args:
        store: Where rates and places are kept.
        budgets: Where budgets are; None where there is no database.
    """

    def __init__(self, store: FallbackStore, *, budgets: BudgetBook | None = None) -> None:
        self._store = store
        self.budgets = budgets
        self._writer = GroupWriter[Operation, Decision](store.run, name="limits")
        self._replica = uuid.uuid4().hex[:12]
        self._members = count()
        self._refused: Counter[str] = Counter()
        self._leases: dict[tuple[str, str], Lease] = {}

    def charge(self, principal: Principal) -> RequestCharge | None:
        """Returns what counts a request; None where nothing bounds whoever sends it."""
        subjects = subjects_of(principal)
        if not subjects:
            return None
        return RequestCharge(
            subjects,
            member=f"{self._replica}-{next(self._members)}",
            book=self,
            budgets=self.budgets,
        )

    async def ask(self, operation: Operation, undo: Callable[[Decision], None]) -> Decision:
        """See `Book.ask`."""
        return await shielded(self._writer.submit(operation), undo)

    def post(self, operation: Operation) -> None:
        """See `Book.post`."""
        self._writer.post(operation)

    def hold(self, leases: Sequence[Lease]) -> None:
        """See `Book.hold`."""
        for lease in leases:
            self._leases[lease.name, lease.member] = lease

    def let_go(self, leases: Sequence[Lease], moves: tuple[Move, ...] = ()) -> None:
        """See `Book.let_go`."""
        if not leases and not moves:
            return
        for lease in leases:
            self._leases.pop((lease.name, lease.member), None)
        gone = tuple(replace(lease, ttl_us=0) for lease in leases)
        self._writer.post(Operation(moves, gone, forced=True))

    def counts(self) -> LimitCounts:
        """Returns what metrics say."""
        budgets = BudgetCounts() if self.budgets is None else self.budgets.counts
        return LimitCounts(
            is_away=self._store.is_away,
            failed_calls=self._store.failed_calls,
            held_places=len(self._leases),
            refused=self._refused | budgets.refused,
            budget_events=budgets.events(),
        )

    def note_refusal(self, what: str) -> None:
        """See `Book.note_refusal`."""
        self._refused[what] += 1

    async def renew(self) -> None:
        """Keeps the places of requests under way, and puts back those that the store has lost."""
        by_set: dict[str, list[Lease]] = {}
        for lease in self._leases.values():
            by_set.setdefault(lease.name, []).append(replace(lease, ttl_us=LEASE_TTL_US))
        for leases in by_set.values():  # those of one tenant stand together
            self._writer.post(Operation(leases=tuple(leases), forced=True))

    @asynccontextmanager
    async def running(self, close_s: float = 2.0) -> AsyncIterator[None]:
        """Renews and settles as long as the block runs; at its end tells what is left to tell,
        within so many seconds."""
        work = every(RENEW_EVERY_S, self.renew, fails="limits: places were not renewed")
        renewing = asyncio.create_task(work)
        if self.budgets is not None:
            self.budgets.begin()
        try:
            yield
        finally:
            renewing.cancel()
            if await asyncio.to_thread(self._writer.close, close_s):
                await asyncio.to_thread(self._store.close)
            if self.budgets is not None:
                await self.budgets.close(close_s)
