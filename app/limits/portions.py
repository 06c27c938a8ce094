"""All portions that a replica holds, between the event loop, which draws from them, and the thread
that tells of them. Each method takes the lock for as long as a few additions take."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from app.limits.budget_counts import BudgetCounts
from app.limits.portion import Portion
from deployments.budgets.contract import (
    NOTHING,
    Amount,
    Place,
    PortionNews,
    PortionState,
    Reserved,
)
from deployments.budgets.journal import Journal

_log = logging.getLogger("ray.serve")
Key = tuple[str, str, str]
"""Subject, period and version of prices."""


@dataclass(slots=True, eq=False)
class Reservation:
    """What was taken aside for a request, until it is settled.

    Attributes:
        amount: The most that it may spend.
        portions: What that was drawn from, one for each budget.
        over: Budgets that only warn, and were spent before.
        spent: What was settled so far.
        is_open: Whether the amount is still taken aside.
        has_overrun: Whether it was counted that more was spent than had been taken aside.
    """

    amount: Amount
    portions: tuple[Portion, ...]
    over: tuple[Place, ...] = ()
    spent: Amount = NOTHING
    is_open: bool = True
    has_overrun: bool = False

    @property
    def is_overrun(self) -> bool:
        """Whether more was spent than had been taken aside."""
        spent, amount = self.spent, self.amount
        return spent.picousd > amount.picousd or spent.tokens > amount.tokens


@dataclass(frozen=True, slots=True)
class Ask:
    """An amount that a request asks for, of portions that do not cover it."""

    portions: tuple[Portion, ...]
    amount: Amount


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told of portions in one transaction, in the same order."""

    portions: tuple[Portion, ...]
    states: tuple[PortionState, ...]


class Portions:
    """Holds portions, and knows which of them are to be told of.

    Args:
        holder: Names this replica.
        now_s: Monotonic clock.
    """

    def __init__(self, holder: str, now_s: Callable[[], float] = time.monotonic) -> None:
        self._holder = holder
        self._now_s = now_s
        self._numbers = count()
        self._lock = threading.Lock()
        self._by_key: dict[Key, Portion] = {}
        self._holds_until_s = 0.0
        self._journal: Journal | None = None
        self.is_urgent = False
        self._untold: dict[str, Portion] = {}

    @property
    def is_journaled(self) -> bool:
        """Whether what was spent survives this process although it was not told yet."""
        return self._journal is not None

    def keep_journal(self, journal: Journal | None) -> None:
        """Notes in a file from now on what was spent."""
        self._journal = journal

    def hold_until(self, moment_s: float) -> None:
        """Says how long nobody can have taken this replica for gone, and given away what it holds:
        after that, requests ask."""
        self._holds_until_s = moment_s

    def draw(
        self, places: Sequence[Place], amount: Amount, price_version: str
    ) -> tuple[Reservation, list[Portion], bool]:
        """Takes an amount from all portions that cover it.

        Returns:
            The reservation, the portions that do not cover it and have given nothing, and whether
            some are to be told of before there is nothing left in them.
        """
        now_s = self._now_s()
        lacking: list[Portion] = []
        tells = False
        with self._lock:
            portions = tuple(self._portion(place, price_version, now_s) for place in places)
            for portion in portions:
                portion.note_request(amount, now_s)
                if now_s >= self._holds_until_s or not portion.covers(amount):
                    lacking.append(portion)
                    continue
                portion.draw(amount)
                if portion.is_low():
                    self._untold[portion.id] = portion
                    tells = True
            over = tuple(one.place for one in portions if one.is_over)
        return Reservation(amount, portions, over), lacking, tells

    def undo(self, reservation: Reservation, lacking: Sequence[Portion]) -> None:
        """Puts back what was drawn for a reservation that was not made, where some portions gave
        nothing."""
        with self._lock:
            for portion in reservation.portions:
                if portion not in lacking:
                    portion.put_back(reservation.amount)
                    self._untold[portion.id] = portion
            reservation.is_open = False

    def settle(self, reservation: Reservation, spent: Amount) -> bool:
        """Takes over all that was spent of a reservation so far, and ends it; returns whether there
        is anything to tell of it."""
        more = spent - reservation.spent
        if not reservation.is_open and more == NOTHING:
            return False
        amount = reservation.amount if reservation.is_open else NOTHING
        with self._lock:
            for portion in reservation.portions:
                portion.settle(amount, more)
                self._untold[portion.id] = portion
                self.is_urgent |= portion.is_exact
                if self._journal is not None and more != NOTHING:
                    self._note(self._journal, portion)
        reservation.is_open = False
        reservation.spent = spent
        return True

    def look_after(self) -> bool:
        """Marks what is to be told of although no request did anything; returns whether anything is
        to be told."""
        now_s = self._now_s()
        with self._lock:
            self._untold |= {one.id: one for one in self._by_key.values() if one.is_due(now_s)}
            return bool(self._untold)

    def close(self) -> bool:
        """Marks all as ending; returns whether anything is to be told."""
        with self._lock:
            for portion in self._by_key.values():
                portion.closes = True
                self._untold[portion.id] = portion
            return bool(self._untold)

    def tell(self, asks: Sequence[Ask]) -> Telling:
        """Returns what is to be told, with the portions that requests ask for more of."""
        now_s = self._now_s()
        with self._lock:
            asked = {portion.id: portion for ask in asks for portion in ask.portions}
            portions = self._untold | asked
            self._untold = {}
            self.is_urgent = False
            states = tuple(one.tell(now_s, offers=id in asked) for id, one in portions.items())
            for portion, state in zip(portions.values(), states, strict=True):
                if state.ends:
                    self._drop(portion)
        return Telling(tuple(portions.values()), states)

    def keep(self, telling: Telling) -> None:
        """Takes back what could not be told."""
        with self._lock:
            self._untold = {one.id: one for one in telling.portions} | self._untold

    def hear(
        self,
        telling: Telling,
        news: Sequence[PortionNews],
        asks: Sequence[Ask],
        met: Sequence[Reserved],
        counts: BudgetCounts,
    ) -> bool:
        """Takes in what became of a telling, and counts what went wrong; returns whether there is
        something to tell at once."""
        now_s, tells_again = self._now_s(), False
        with self._lock:
            for portion, state, each in zip(telling.portions, telling.states, news, strict=True):
                if portion.hear(state, each, now_s):
                    self._untold[portion.id] = portion
                    tells_again = True
                if portion.is_gone:
                    self._drop(portion)
                settled = portion.take_untold()
                counts.settled_late += settled if each.was == "released" else 0
                counts.lost += settled if each.was is None else 0
            for ask, reserved in zip(asks, met, strict=True):
                if reserved.is_met:
                    for portion in ask.portions:
                        portion.take(ask.amount)
        return tells_again

    def end_journal(self) -> None:
        """Closes the file; at the end, when nobody draws any more."""
        if self._journal is not None:
            self._journal.close(is_told=not self._untold and not self._by_key)
            self._journal = None

    def _note(self, journal: Journal, portion: Portion) -> None:
        try:
            journal.note(portion.id, portion.spent)
        except OSError as error:  # from now on answers wait for the database
            _log.error("the journal of budgets cannot be written: %s", error)
            self._journal = None

    def _portion(self, place: Place, price_version: str, now_s: float) -> Portion:
        key = (*place.key, price_version)
        portion = self._by_key.get(key)
        if portion is None:
            id = f"{self._holder}-{next(self._numbers)}"
            portion = self._by_key[key] = Portion(id, self._holder, place, price_version, now_s)
        elif portion.move_to(place):
            self._untold[portion.id] = portion
        return portion

    def _drop(self, portion: Portion) -> None:
        key = (*portion.place.key, portion.price_version)
        if self._by_key.get(key) is portion:
            del self._by_key[key]
        if portion.in_use == NOTHING and self._journal is not None and not portion.is_gone:
            self._journal.drop(portion.id)
