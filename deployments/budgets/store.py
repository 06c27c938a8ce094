"""Budgets in the database. One row is the truth of a subject in a period: nothing is counted twice,
and nothing is derived from usage, which comes later.

Locks are taken in one order, reservations by id and then budgets by subject and period, so that no
two replicas wait for each other.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.orm import Session

from deployments.budgets.contract import (
    Alert,
    Amount,
    BudgetOperation,
    BudgetResult,
    Reserve,
    Reserved,
    Settle,
    Settled,
)
from deployments.budgets.standing import Standing
from deployments.budgets.tables import BudgetRow, HolderRow, ReservationRow
from deployments.control.stored import Stored, insert_into

_COLUMNS = ("spent_picousd", "spent_tokens", "reserved_picousd", "reserved_tokens", "told_percent")
Key = tuple[str, str]


class BudgetStore(Stored):
    """Reserves and settles. Each method is one transaction.

    Args:
        url: As in `Stored`.
        now_s: Clock in seconds since the epoch, for what is kept how long.
    """

    def __init__(self, url: str, now_s: Callable[[], float] = time.time) -> None:
        super().__init__(url)
        self._now_s = now_s

    def run(self, operations: Sequence[BudgetOperation]) -> list[BudgetResult]:
        """Does operations in this order, in one transaction."""
        with self._writing() as session:
            group = _Group(session, self._now_s())
            group.load(operations)
            results = [group.do(operation) for operation in operations]
            group.write()
            return results

    def standing(self, subject: str, period: str) -> Standing:
        """Returns what a subject has spent in a period, and what is reserved."""
        with self._reading() as session:
            row = session.get(BudgetRow, (subject, period))
            return Standing() if row is None else _standing(row)

    def holds_any(self) -> bool:
        """Returns whether anything is reserved by anybody."""
        with self._reading() as session:
            held = select(ReservationRow.id).where(ReservationRow.state == "held").limit(1)
            return session.scalar(held) is not None

    def beat(self, holder: str) -> dict[str, int]:
        """Notes that a holder lives, and returns how often each has said so."""
        with self._writing() as session:
            new = insert_into(session, HolderRow).values(
                holder=holder, beats=1, seen_s=self._now_s()
            )
            kept = {"beats": HolderRow.beats + 1, "seen_s": new.excluded.seen_s}
            session.execute(new.on_conflict_do_update(index_elements=["holder"], set_=kept))
            found = session.execute(select(HolderRow.holder, HolderRow.beats))
            return {row.holder: row.beats for row in found}

    def release(self, holders: Sequence[str]) -> int:
        """Gives back what holders have reserved that are gone, and returns how many reservations
        that were."""
        with self._writing() as session:
            held = ReservationRow.holder.in_(holders) & (ReservationRow.state == "held")
            wanted = select(ReservationRow).where(held).order_by(ReservationRow.id)
            rows = session.scalars(wanted.with_for_update()).all()
            group = _Group(session, self._now_s())
            group.load_standings({_key(place) for row in rows for place in row.places})
            for row in rows:
                group.release(row)
            group.write()
            return len(rows)

    def forget(self, *, before_s: float) -> None:
        """Deletes reservations that ended before a moment, and holders that were last seen then."""
        with self._writing() as session:
            ended = (ReservationRow.changed_s < before_s) & (ReservationRow.state != "held")
            session.execute(delete(ReservationRow).where(ended))
            holding = select(ReservationRow.holder).where(ReservationRow.state == "held")
            gone = (HolderRow.seen_s < before_s) & HolderRow.holder.not_in(holding)
            session.execute(delete(HolderRow).where(gone))


class _Group:
    """Operations of one transaction: read once, decided in memory, written once."""

    def __init__(self, session: Session, now_s: float) -> None:
        self._session = session
        self._now_s = now_s
        self._standings: dict[Key, Standing] = {}
        self._changed: set[Key] = set()
        self._rows: dict[str, ReservationRow] = {}

    def load(self, operations: Sequence[BudgetOperation]) -> None:
        ids = {operation.id for operation in operations if isinstance(operation, Settle)}
        if ids:
            wanted = select(ReservationRow).where(ReservationRow.id.in_(ids))
            locked = wanted.order_by(ReservationRow.id).with_for_update()
            self._rows = {row.id: row for row in self._session.scalars(locked)}
        keys = {_key(place) for row in self._rows.values() for place in row.places}
        for operation in operations:
            if isinstance(operation, Reserve):
                keys.update(place.key for place in operation.places)
        self.load_standings(keys)

    def load_standings(self, keys: Iterable[Key]) -> None:
        wanted = sorted(keys)
        if not wanted:
            return
        empty = dict.fromkeys(_COLUMNS, 0)
        rows = [{"subject": subject, "period": period, **empty} for subject, period in wanted]
        self._session.execute(insert_into(self._session, BudgetRow).on_conflict_do_nothing(), rows)
        key = tuple_(BudgetRow.subject, BudgetRow.period)
        found = (
            select(BudgetRow.subject, BudgetRow.period, *(getattr(BudgetRow, c) for c in _COLUMNS))
            .where(key.in_(wanted))
            .order_by(BudgetRow.subject, BudgetRow.period)
            .with_for_update()
        )
        for row in self._session.execute(found):
            self._standings[row.subject, row.period] = _standing(row)

    def do(self, operation: BudgetOperation) -> BudgetResult:
        if isinstance(operation, Reserve):
            return self._reserve(operation)
        return self._settle(operation)

    def _reserve(self, asked: Reserve) -> Reserved:
        full = [
            place
            for place in asked.places
            if not self._standings[place.key].fits(asked.amount, place)
        ]
        for place in full:
            if place.enforced:
                return Reserved(place, self._standings[place.key].left(place))
        for place in asked.places:
            self._standings[place.key].reserve(asked.amount)
            self._changed.add(place.key)
        # In reach of a settlement in the same transaction: of a client that left at once.
        row = self._rows[asked.id] = ReservationRow(
            id=asked.id,
            holder=asked.holder,
            state="held",
            picousd=asked.amount.picousd,
            tokens=asked.amount.tokens,
            places=[list(place.key) for place in asked.places],
            price_version=asked.price_version,
            changed_s=self._now_s,
        )
        self._session.add(row)
        return Reserved(exceeded=tuple(full))

    def _settle(self, asked: Settle) -> Settled:
        row = self._rows.get(asked.id)
        if row is None:
            return Settled(None)
        was: Any = row.state
        if was == "settled":
            return Settled(was)
        if was == "held":
            self.release(row)
        for place in row.places:
            self._standings[_key(place)].spend(asked.amount)
            self._changed.add(_key(place))
        row.state, row.changed_s = "settled", self._now_s
        alerts = [
            Alert(place, percent)
            for place in asked.places
            if (percent := self._standings[place.key].reached(place)) is not None
        ]
        under = asked.amount.picousd > row.picousd or asked.amount.tokens > row.tokens
        return Settled(was, under, tuple(alerts))

    def release(self, row: ReservationRow) -> None:
        """Gives back what a row has reserved."""
        for place in row.places:
            self._standings[_key(place)].release(Amount(row.picousd, row.tokens))
            self._changed.add(_key(place))
        row.state, row.changed_s = "released", self._now_s

    def write(self) -> None:
        """Writes what has changed; rows of reservations are the session's to write."""
        for subject, period in sorted(self._changed):
            standing = self._standings[subject, period]
            values = {column: getattr(standing, column) for column in _COLUMNS}
            mine = (BudgetRow.subject == subject) & (BudgetRow.period == period)
            statement = update(BudgetRow).where(mine).values(**values)
            self._session.execute(statement, execution_options={"synchronize_session": False})


def _standing(row: Any) -> Standing:
    return Standing(**{column: getattr(row, column) for column in _COLUMNS})


def _key(place: Sequence[str]) -> Key:
    return place[0], place[1]
