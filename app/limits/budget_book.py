"""Budgets as a replica of the gateway keeps them: a thread that reserves and settles in groups, and
the heartbeat by which others know that it lives."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import count
from typing import Protocol
from zoneinfo import ZoneInfo

from app.limits.subjects import Subject
from app.storage.writer import GroupWriter
from deployments.budgets.contract import (
    Alert,
    Amount,
    BudgetOperation,
    BudgetResult,
    Place,
    Reserve,
    Reserved,
    Settle,
    Settled,
)
from deployments.budgets.holders import HolderWatch
from deployments.budgets.periods import periods_at
from deployments.contracts.errors import BudgetExceeded, RagError, Unavailable
from deployments.serving.every import every

_log = logging.getLogger("ray.serve")
BEAT_EVERY_S = 1.0
_KEPT_S = 86_400.0
_FORGET_EVERY = 3600
"""Beats between two looks at what may be forgotten."""
_MOST_UNSETTLED = 100_000
"""Settlements that wait for the database; beyond them the oldest are lost, and told of."""


class Budgets(Protocol):
    """Keeps budgets; see `deployments.budgets.store.BudgetStore`."""

    def run(self, operations: Sequence[BudgetOperation]) -> list[BudgetResult]: ...
    def beat(self, holder: str) -> dict[str, int]: ...
    def holds_any(self) -> bool: ...
    def release(self, holders: Sequence[str]) -> int: ...
    def forget(self, *, before_s: float) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was taken aside, until it is settled."""

    id: str
    places: tuple[Place, ...]


@dataclass(slots=True)
class BudgetCounts:
    """What became of reservations, since the start: the two ways in which a budget can be exceeded,
    what is lost, and who was told of what."""

    underestimated: int = 0
    settled_late: int = 0
    released: int = 0
    lost: int = 0
    warned: int = 0
    alerts: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    def events(self) -> dict[str, int]:
        """Returns all of them by name."""
        names = ("underestimated", "settled_late", "released", "lost", "warned")
        return {name: getattr(self, name) for name in names} | self.alerts


class BudgetBook:
    """Reserves and settles for one replica.

    Args:
        store: The budgets.
        holder: Names this replica.
        zone: Where days begin.
        on_alert: Told of shares of budgets that were reached; in the writer's thread.
        now_s: Clock in seconds since the epoch.
    """

    def __init__(
        self,
        store: Budgets,
        *,
        holder: str = "",
        zone: tzinfo | None = None,
        on_alert: Callable[[Alert], None] | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._holder = holder or uuid.uuid4().hex
        self._zone = zone or ZoneInfo("UTC")
        self._on_alert = on_alert
        self._now_s = now_s
        self._writer = GroupWriter[BudgetOperation, BudgetResult](self._run, name="budgets")
        self._watch = HolderWatch()
        self._numbers = count()
        self._unsettled: list[Settle] = []
        self._beats = 0
        self._looking: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None
        self._began = asyncio.Lock()
        self.counts = BudgetCounts()

    def begin(self) -> None:
        """Takes over from replicas that are gone. Who has no budgets pays for no heartbeat: it
        begins with the first reservation, or where others have left some behind."""
        self._looking = asyncio.create_task(self._look())

    async def close(self, timeout_s: float) -> None:
        """Settles what waits, within so many seconds."""
        for task in (self._looking, self._beating):
            if task is not None:
                task.cancel()
        if await asyncio.to_thread(self._writer.close, timeout_s):
            self._store.close()

    async def reserve(
        self, subjects: Sequence[Subject], amount: Amount, price_version: str
    ) -> Reservation:
        """Takes an amount aside in all budgets.

        Raises:
            BudgetExceeded: it does not fit into one.
            Unavailable: nobody knows whether it does.
        """
        places = places_at(subjects, self._now_s(), self._zone)
        id = f"{self._holder}-{next(self._numbers)}"
        reservation = Reservation(id, places)
        await self._live()
        asked = Reserve(id, self._holder, amount, places, price_version)
        try:
            result = await self._writer.submit(asked)
        except asyncio.CancelledError:
            self.settle(reservation, Amount())
            raise
        except Exception as error:
            # It may have been made, and the answer lost.
            self.settle(reservation, Amount())
            raise Unavailable(
                "The budgets cannot be read at the moment.", "budgets", 1.0
            ) from error
        assert isinstance(result, Reserved)
        if result.refused_by is not None:
            what = f"{result.refused_by.kind}:budget"
            self.counts.refused[what] = self.counts.refused.get(what, 0) + 1
            raise self._refusal(result, result.refused_by, amount)
        for place in result.exceeded:
            self.counts.warned += 1
            _log.warning("the budget of %s in %s is exceeded", place.subject, place.period)
        return reservation

    def settle(self, reservation: Reservation, amount: Amount) -> None:
        """Notes what was spent; waits for nothing. Where the database is away, it is told
        later."""
        self._writer.post(Settle(reservation.id, amount, reservation.places))

    async def _look(self) -> None:
        with suppress(RagError):  # whoever needs budgets is told so
            if await asyncio.to_thread(self._store.holds_any):
                await self._live()

    async def _live(self) -> None:
        """Says from now on that this replica lives: before it holds anything, or nobody could tell
        that it is gone.

        Raises:
            Unavailable: there is nobody to say it to.
        """
        if self._beating is not None:
            return
        async with self._began:
            if self._beating is None:
                await asyncio.to_thread(self._beat)
                work = every(BEAT_EVERY_S, self.beat, fails="budgets: no heartbeat")
                self._beating = asyncio.create_task(work)

    async def beat(self) -> None:
        """Says that this replica lives, releases what those hold that do not, and tells what could
        not be told before."""
        if self._unsettled:
            self._writer.post(Settle("", Amount()))  # it carries along what waits
        await asyncio.to_thread(self._beat)

    def _beat(self) -> None:
        self._beats += 1
        heard = self._store.beat(self._holder)
        heard.pop(self._holder, None)
        silent = self._watch.silent(heard, time.monotonic())
        if silent and (released := self._store.release(silent)):
            self.counts.released += released
            _log.warning("%d reservations of replicas that are gone were released", released)
        if self._beats % _FORGET_EVERY == 0:
            self._store.forget(before_s=self._now_s() - _KEPT_S)

    def _run(self, operations: Sequence[BudgetOperation]) -> list[BudgetResult]:
        """Runs in the writer's thread. A settlement that fails stays, for the next turn."""
        waiting, self._unsettled = self._unsettled, []
        wanted = [operation for operation in operations if operation.id]
        together = [*waiting, *wanted]
        if not together:
            return [Settled(None) for _ in operations]
        try:
            results = self._store.run(together)
        except Exception:
            kept = [each for each in together if isinstance(each, Settle)]
            self.counts.lost += max(len(kept) - _MOST_UNSETTLED, 0)
            self._unsettled = kept[-_MOST_UNSETTLED:]
            raise
        for result in results:
            if isinstance(result, Settled):
                self._note(result)
        told = iter(results[len(waiting) :])
        return [next(told) if operation.id else Settled(None) for operation in operations]

    def _note(self, settled: Settled) -> None:
        self.counts.underestimated += settled.underestimated
        self.counts.settled_late += settled.was == "released"
        for alert in settled.alerts:
            reached = f"{alert.place.kind}:{alert.percent}"
            self.counts.alerts[reached] = self.counts.alerts.get(reached, 0) + 1
            _log.warning(
                "%s has spent %d %% of its budget of %s",
                alert.place.subject,
                alert.percent,
                alert.place.period,
            )
            if self._on_alert is not None:
                self._on_alert(alert)

    def _refusal(self, result: Reserved, place: Place, amount: Amount) -> BudgetExceeded:
        words = "This key" if place.kind == "key" else "Your organisation"
        left = result.left
        over_money = place.limit_picousd is not None and amount.picousd > left.picousd
        what = (
            f"{max(left.picousd, 0) / 1e12:.6f} USD left and this may cost "
            f"{amount.picousd / 1e12:.6f} USD"
            if over_money
            else f"{max(left.tokens, 0)} tokens left and this may use {amount.tokens}"
        )
        return BudgetExceeded(
            f"{words} has a budget for {place.period}, with {what}. A lower max_tokens asks for "
            "less.",
            retry_after_s=max(place.ends_s - self._now_s(), 1.0),
        )


def places_at(subjects: Sequence[Subject], now_s: float, zone: tzinfo) -> tuple[Place, ...]:
    """Returns the budgets that hold at a moment, those of the key first."""
    day, month = periods_at(now_s, zone)
    places = []
    for subject in subjects:
        budgets = subject.budgets
        bounds = (
            (day, budgets.day_picousd, budgets.day_tokens),
            (month, budgets.month_picousd, budgets.month_tokens),
        )
        places += [
            Place(
                subject.id, period.name, period.ends_s, picousd, tokens, budgets.mode == "enforce"
            )
            for period, picousd, tokens in bounds
            if picousd is not None or tokens is not None
        ]
    return tuple(places)
