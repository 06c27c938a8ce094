"""What one request takes of limits and budgets: reserved before its work, settled at its end."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.limits.budget_book import BudgetBook
from app.limits.headers import Quota, headers_of
from app.limits.portions import Reservation
from app.limits.rates import Rate, leases_of, rates_of, refusal, refused_bound
from app.limits.stores.operations import Decision, Lease, Move, Operation
from app.limits.subjects import Subject
from app.request.notes import RequestNotes
from app.request.spending import ExpectedUse
from deployments.budgets.contract import Amount
from deployments.contracts.errors import Forbidden, LimitReached, Unavailable

DEGRADED = {"x-ragserve-degraded": "limits"}
"""Said where this replica decided by itself."""


class Book(Protocol):
    """Where rates and places are kept, for the charges of a replica."""

    async def ask(self, operation: Operation, undo: Callable[[Decision], None]) -> Decision:
        """Returns what became of an operation. Where its caller leaves meanwhile, `undo` is told
        the decision in its place."""
        ...

    def post(self, operation: Operation) -> None:
        """Has an operation done that nobody waits for."""
        ...

    def note_refusal(self, what: str) -> None:
        """Counts a refusal, by whose limit it was and of what: `key:tokens`."""
        ...

    def hold(self, leases: Sequence[Lease]) -> None:
        """Keeps places until they are let go."""
        ...

    def let_go(self, leases: Sequence[Lease], moves: tuple[Move, ...] = ()) -> None:
        """Frees places, and with them moves buckets by what is settled."""
        ...


@dataclass(slots=True)
class _Held:
    """What was taken aside for one use of models."""

    expected: ExpectedUse
    notes: RequestNotes
    tokens: int
    rates: Sequence[Rate]
    local: bool = False
    reservation: Reservation | None = None


class RequestCharge:
    """The `Spending` of one request whose key or tenant is bounded.

    Args:
        subjects: Who is.
        member: Names the request among all replicas.
        book: Where rates and places are kept.
        budgets: Where budgets are; None where no database is, which opens no budget.
    """

    def __init__(
        self,
        subjects: Sequence[Subject],
        *,
        member: str,
        book: Book,
        budgets: BudgetBook | None,
    ) -> None:
        self._subjects = subjects
        self._book = book
        self._budgets = budgets
        self._leases = leases_of(subjects, member)
        self._held: list[_Held] = []
        self._quotas: dict[str, Quota] = {}
        self._decided_alone = False
        self.counts_money = any(subject.has_money_budget for subject in subjects)
        self.counts_tokens = any(
            subject.has_budgets or subject.limits.tokens_per_min is not None for subject in subjects
        )

    async def begin(self) -> None:
        """Counts the request, and takes its places.

        Raises:
            LimitReached: it is one too many.
        """
        await self._count(self._leases)

    async def count_request(self) -> None:
        """See `Spending.count_request`."""
        await self._count(())

    async def reserve(self, expected: ExpectedUse, notes: RequestNotes) -> None:
        """See `Spending.reserve`."""
        held = await self._reserve_tokens(expected, notes)
        subjects = [subject for subject in self._subjects if subject.has_budgets]
        if not subjects:
            return
        if self._budgets is None:
            raise Unavailable("Budgets cannot be kept: there is no database.", "budgets", 1.0)
        amount = Amount(_most_costs(held, subjects), expected.tokens)
        held.reservation = await self._budgets.reserve(subjects, amount, notes.prices.version)

    async def tell_spent(self) -> None:
        """Has what was spent so far written, before an answer goes out to its end: what a client
        has got is charged, also where this replica is killed at that moment. Where the database
        does not answer, the answer waits for a second at most."""
        if self._budgets is None:
            return
        is_told = True
        for one in self._held:
            if one.reservation is not None and (spent := _spent(one)) != one.reservation.spent:
                self._budgets.note(one.reservation, spent)
                is_told = False
        if not is_told:
            await self._budgets.secured()

    def settle(self) -> None:
        """Gives back what was not used, and takes what was used beyond it; waits for nothing.
        Called again, it does nothing."""
        held, self._held = self._held, []
        if moves := _moves([one for one in held if one.local]):
            self._book.post(Operation(moves, forced=True, local=True))
        leases, self._leases = self._leases, ()
        self._book.let_go(leases, _moves([one for one in held if not one.local]))
        for one in held:
            if one.reservation is not None and self._budgets is not None:
                self._budgets.settle(one.reservation, _spent(one))

    def headers(self) -> dict[str, str]:
        """Returns what an answer says of the limits, as they were at the last reservation."""
        headers = headers_of(self._quotas.values())
        return headers | DEGRADED if self._decided_alone else headers

    async def _count(self, leases: Sequence[Lease]) -> None:
        rates = rates_of(self._subjects, "requests")
        if not rates and not leases:
            return
        moves = tuple(rate.move(1) for rate in rates)
        decision = await self._book.ask(Operation(moves, tuple(leases)), _leave_as_it_is)
        self._note(decision, rates)
        if not decision.passed:
            if leases:
                self._leases = ()
            raise self._refusal(decision, rates, 1)
        self._book.hold(leases)

    async def _reserve_tokens(self, expected: ExpectedUse, notes: RequestNotes) -> _Held:
        rates = rates_of(self._subjects, "tokens")
        tokens = expected.tokens
        for rate in rates:
            if expected.is_bounded and expected.completion_tokens > rate.limit:
                raise LimitReached(
                    f"The request asks for up to {expected.completion_tokens} tokens, and "
                    f"{rate.subject.words.lower()} may use {rate.limit} a minute: ask for fewer."
                )
            # Else the very first request of a small key would be refused for an estimate.
            tokens = min(tokens, rate.limit)
        held = _Held(expected, notes, tokens, rates)
        if rates:
            operation = Operation(tuple(rate.move(tokens) for rate in rates))

            def undo(decision: Decision) -> None:
                if decision.passed:
                    back = tuple(rate.move(-tokens) for rate in rates)
                    self._book.post(Operation(back, forced=True, local=decision.local))

            decision = await self._book.ask(operation, undo)
            self._note(decision, rates)
            if not decision.passed:
                raise self._refusal(decision, rates, tokens)
            held.local = decision.local
        self._held.append(held)
        return held

    def _refusal(self, decision: Decision, rates: Sequence[Rate], units: int) -> LimitReached:
        bound = refused_bound(decision, rates, self._subjects)
        self._book.note_refusal(f"{bound.subject.kind}:{bound.what}")
        return refusal(bound, decision, units)

    def _note(self, decision: Decision, rates: Sequence[Rate]) -> None:
        """Keeps of each rate the tightest state, for the headers."""
        self._decided_alone |= decision.local
        quotas = [
            Quota.of(rate.what, rate.limit, used_us)
            for rate, used_us in zip(rates, decision.used_us, strict=True)
        ]
        if quotas:
            tightest = min(quotas, key=lambda quota: quota.remaining)
            self._quotas[tightest.what] = tightest


def _most_costs(held: _Held, subjects: Sequence[Subject]) -> int:
    """Returns the most that a request may cost, in picodollars.

    Raises:
        Forbidden: nobody knows that, and it matters.
    """
    in_money = [subject for subject in subjects if subject.has_money_budget]
    if not in_money:
        return 0
    expected, most = held.expected, 0
    for model in expected.models:
        prices = held.notes.prices.of(model)
        if prices is not None:
            cost = prices.most_picousd(expected.prompt_tokens, expected.completion_tokens)
            most = max(most, cost)
        elif any(subject.budgets.mode == "enforce" for subject in in_money):
            raise Forbidden(
                f"This key has a budget in money, and nobody has said what '{model}' costs."
            )
    return most


def _spent(held: _Held) -> Amount:
    """Returns what was used, by the prices of the reservation."""
    notes, tokens = held.notes, _used_tokens(held)
    if held.expected.embeds:
        prices = [notes.prices.of(model) for model in held.expected.models]
        costs = [price.most_picousd(tokens, 0) for price in prices if price is not None]
        return Amount(max(costs, default=0), tokens)
    costs = [sum(notes.prices.costs_picousd(one) or ()) for one in notes.generations()]
    return Amount(sum(costs), tokens)


def _moves(held: Sequence[_Held]) -> tuple[Move, ...]:
    """Returns how far buckets move for what was used beside what was reserved."""
    deltas: dict[str, int] = {}
    for one in held:
        more = _used_tokens(one) - one.tokens
        for rate in one.rates:
            move = rate.move(more)
            deltas[move.name] = deltas.get(move.name, 0) + move.delta_us
    return tuple(Move(name, delta_us) for name, delta_us in deltas.items() if delta_us)


def _used_tokens(held: _Held) -> int:
    """Returns what was delivered: of an answer that was broken off, what was written of it."""
    notes = held.notes
    if held.expected.embeds:
        return 0 if notes.attempt is None else notes.attempt.embedding_tokens
    return sum(one.prompt_tokens + one.completion_tokens for one in notes.generations())


def _leave_as_it_is(_decision: Decision) -> None:
    """A request counts although its client has left; its places are freed at its end."""


async def shielded(
    future: "asyncio.Future[Decision]", undo: Callable[[Decision], None]
) -> Decision:
    """Returns what becomes of an operation; where whoever waits is cancelled, the operation goes on
    all the same, and `undo` is told what became of it."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:

        def told(done: "asyncio.Future[Decision]") -> None:
            if not done.cancelled() and done.exception() is None:
                undo(done.result())

        future.add_done_callback(told)
        raise
