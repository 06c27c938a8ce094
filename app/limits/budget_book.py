"""Budgets as a replica of the gateway keeps them: portions that requests draw from in memory, a
thread that tells of them in groups, and the heartbeat by which others know that it lives."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

from app.limits.budget_counts import BudgetCounts
from app.limits.places import Calendar
from app.limits.portion import Portion
from app.limits.portions import Ask, Portions, Reservation
from app.limits.subjects import Subject
from app.storage.writer import GroupWriter
from deployments.budgets.contract import (
    NOTHING,
    Alert,
    Amount,
    Need,
    Place,
    PortionNews,
    PortionState,
    Reserved,
)
from deployments.budgets.holders import SILENT_S, HolderWatch
from deployments.budgets.journal import Journal
from deployments.contracts.errors import BudgetExceeded, RagError, Unavailable
from deployments.serving.every import every

_log = logging.getLogger("ray.serve")
BEAT_EVERY_S = 1.0
_KEPT_S = 86_400.0
_FORGET_EVERY = 3600
"""Beats between two looks at what may be forgotten."""
_PATIENCE_S = 2.0
"""So long a request waits for what others hold and do not use; they hear of it within a beat."""
_ASKS_EVERY_S = 0.1
_MOST_WAIT_S = 1.0
"""So long the end of an answer waits for its settlement, where the database does not answer."""
_GATHERS_S = 0.05
"""So long settlements that are safe in a journal wait for others, unless a budget is near its end:
a transaction for each answer would keep the event loop waiting."""
_PARTS_OF_EACH = 4
"""No replica keeps more free than this part of its share, so that most of what is left is always
there for whoever asks."""


class Budgets(Protocol):
    """Keeps budgets; see `deployments.budgets.store.BudgetStore`."""

    def tell(
        self, states: Sequence[PortionState], needs: Sequence[Need] = (), *, parts: int = 8
    ) -> tuple[list[PortionNews], list[Reserved]]: ...
    def beat(self, holder: str) -> dict[str, int]: ...
    def journal(self, holder: str) -> Journal | None: ...
    def holds_any(self) -> bool: ...
    def release(self, holders: Sequence[str]) -> int: ...
    def forget(self, *, before_s: float) -> None: ...
    def close(self) -> None: ...


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
        self._calendar = Calendar(zone or ZoneInfo("UTC"))
        self._on_alert = on_alert
        self._now_s = now_s
        self._portions = Portions(self._holder)
        self._writer = GroupWriter[Ask | None, Reserved | None](self._run, name="budgets")
        self._watch = HolderWatch()
        self._parts = 2 * _PARTS_OF_EACH
        self._beats = 0
        self._has_journal = False
        self._gathering: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None
        self._began = asyncio.Lock()
        self.counts = BudgetCounts()

    def begin(self) -> None:
        """Takes over from replicas that are gone. Who has no budgets pays for no heartbeat: it
        begins with the first reservation, or where others have left some behind."""
        self._looking = asyncio.create_task(self._look())

    async def close(self, timeout_s: float) -> None:
        """Settles what waits and gives back what is held, within so many seconds."""
        for task in (self._looking, self._beating):
            if task is not None:
                task.cancel()
        if self._gathering is not None:
            self._gathering.cancel()
        if self._portions.close():
            self._writer.post(None)
        if await asyncio.to_thread(self._writer.close, timeout_s):
            self._portions.end_journal()
            self._store.close()

    async def reserve(
        self, subjects: Sequence[Subject], amount: Amount, price_version: str
    ) -> Reservation:
        """Takes an amount aside in all budgets: from what this replica holds of them, or else by
        asking. What others hold and do not use is waited for, for two seconds at most.

        Raises:
            BudgetExceeded: it does not fit into one.
            Unavailable: nobody knows whether it does.
        """
        places = self._calendar.places(subjects, self._now_s())
        await self._live()
        until_s = time.monotonic() + _PATIENCE_S
        while True:
            reservation, lacking, is_low = self._portions.draw(places, amount, price_version)
            if is_low:
                self._writer.post(None)
            asked = await self._ask(reservation, lacking) if lacking else None
            if asked is None or asked.is_met:
                self._warn_of(reservation, () if asked is None else asked.exceeded)
                return reservation
            self._portions.undo(reservation, lacking)
            if asked.is_gone:
                continue
            if not asked.is_elsewhere or time.monotonic() >= until_s:
                raise self._refuse(asked, amount)
            await asyncio.sleep(_ASKS_EVERY_S)

    def note(self, reservation: Reservation, spent: Amount) -> bool:
        """Notes all that was spent of a reservation so far, and that its request needs no more;
        returns whether there is anything to tell. Nothing is told yet."""
        if not self._portions.settle(reservation, spent):
            return False
        if not reservation.has_overrun and reservation.is_overrun:
            reservation.has_overrun = True
            self.counts.underestimated += 1
        return True

    def settle(self, reservation: Reservation, spent: Amount) -> None:
        """Notes what was spent, and has it told; waits for nothing. Where the database is away, it
        is told later."""
        if self.note(reservation, spent):
            self._tell_soon()

    async def secured(self) -> None:
        """Returns when no kill can take back what was noted: at once where there is a journal, and
        else when it was told."""
        if self._portions.is_journaled:
            self._tell_soon()
        else:
            await self.told()

    async def told(self) -> None:
        """Returns when all that was noted is in the database; where that does not answer, after a
        second."""
        with suppress(Exception):
            async with asyncio.timeout(_MOST_WAIT_S):
                await self._writer.submit(None)

    async def beat(self) -> None:
        """Says that this replica lives, gives back what it does not need, releases what those hold
        that are gone, and tells what could not be told before."""
        if self._portions.look_after():
            self._writer.post(None)
        await asyncio.to_thread(self._beat)

    def _tell_soon(self) -> None:
        if self._portions.is_urgent or not self._portions.is_journaled:
            self._writer.post(None)
        elif self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(_GATHERS_S, self._tell_now)

    def _tell_now(self) -> None:
        self._gathering = None
        self._writer.post(None)

    async def _ask(self, reservation: Reservation, lacking: Sequence[Portion]) -> Reserved:
        future = self._writer.submit(Ask(tuple(lacking), reservation.amount))

        def undo(done: "asyncio.Future[Reserved | None]") -> None:
            """Gives back what nobody waits for any more."""
            met = None if done.cancelled() or done.exception() is not None else done.result()
            if met is not None and met.is_met:
                self.settle(reservation, NOTHING)
            else:
                self._portions.undo(reservation, lacking)

        try:
            asked = await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(undo)
            raise
        except Exception as error:
            # It may have been granted, and the answer lost: the next telling takes it back.
            self._portions.undo(reservation, lacking)
            raise Unavailable(
                "The budgets cannot be read at the moment.", "budgets", 1.0
            ) from error
        assert asked is not None
        return asked

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

    def _beat(self) -> None:
        self._beats += 1
        began_s = time.monotonic()
        heard = self._store.beat(self._holder)
        self._portions.hold_until(began_s + SILENT_S - BEAT_EVERY_S)
        if not self._has_journal:
            self._has_journal = True
            self._portions.keep_journal(self._store.journal(self._holder))
        heard.pop(self._holder, None)
        silent = self._watch.silent(heard, time.monotonic())
        self._parts = _PARTS_OF_EACH * max(1 + len(heard) - len(silent), 2)
        if silent and (released := self._store.release(silent)):
            self.counts.released += released
            _log.warning("%d portions of replicas that are gone were released", released)
        if self._beats % _FORGET_EVERY == 0:
            self._store.forget(before_s=self._now_s() - _KEPT_S)

    def _run(self, items: Sequence[Ask | None]) -> list[Reserved | None]:
        """Runs in the writer's thread. What cannot be told stays, for the next turn."""
        asks = [item for item in items if item is not None]
        telling = self._portions.tell(asks)
        if not telling.states:
            return [None for _ in items]
        needs = [Need(tuple(one.id for one in ask.portions), ask.amount) for ask in asks]
        try:
            news, met = self._store.tell(telling.states, needs, parts=self._parts)
        except Exception:
            self._portions.keep(telling)
            raise
        tells_again = self._portions.hear(telling, news, asks, met, self.counts)
        for each in news:
            for alert in each.alerts:
                self._alert(alert)
        if tells_again:
            self._writer.post(None)
        answers = iter(met)
        return [None if item is None else next(answers) for item in items]

    def _alert(self, alert: Alert) -> None:
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

    def _warn_of(self, reservation: Reservation, exceeded: Sequence[Place]) -> None:
        over = {place.key: place for place in (*exceeded, *reservation.over)}
        for place in over.values():
            self.counts.warned += 1
            _log.warning("the budget of %s in %s is exceeded", place.subject, place.period)

    def _refuse(self, asked: Reserved, amount: Amount) -> BudgetExceeded:
        place, left = asked.refused_by, asked.left
        assert place is not None
        what = f"{place.kind}:budget"
        self.counts.refused[what] = self.counts.refused.get(what, 0) + 1
        words = "This key" if place.kind == "key" else "Your organisation"
        over_money = place.limit_picousd is not None and amount.picousd > left.picousd
        told = (
            f"{max(left.picousd, 0) / 1e12:.6f} USD left and this may cost "
            f"{amount.picousd / 1e12:.6f} USD"
            if over_money
            else f"{max(left.tokens, 0)} tokens left and this may use {amount.tokens}"
        )
        wait_s = place.ends_s - self._now_s()
        if asked.is_elsewhere:  # whoever has it gives no answer, and is soon taken for gone
            wait_s = min(wait_s, SILENT_S + 2 * BEAT_EVERY_S)
        return BudgetExceeded(
            f"{words} has a budget for {place.period}, with {told}. A lower max_tokens asks for "
            "less.",
            retry_after_s=max(wait_s, 1.0),
        )
