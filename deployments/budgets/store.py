"""Budgets in the database. One row is the truth of a subject in a period: nothing is counted twice,
and nothing is derived from usage, which comes later.

Locks are taken in one order, reservations by id and then budgets by subject and period, so that no
two replicas wait for each other.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Select, delete, select

from deployments.budgets.contract import (
    Alert,
    Amount,
    BudgetOperation,
    BudgetResult,
    Held,
    Reserve,
    Reserved,
    Settle,
    Settled,
)
from deployments.budgets.standing import Standing
from deployments.budgets.statements import (
    ADD_BUDGET,
    ADD_RESERVATION,
    CHANGE_BUDGET,
    CHANGE_RESERVATION,
    READ_BUDGETS,
    READ_HELD,
    READ_RESERVATIONS,
)
from deployments.budgets.tables import BudgetRow, HolderRow, ReservationRow
from deployments.control.stored import Stored, insert_into

Key = tuple[str, str]
"""Subject and period of a budget."""
_MOST_KNOWN = 10_000


class BudgetStore(Stored):
    """Reserves and settles. Each method is one transaction.

    Args:
        url: As in `Stored`.
        now_s: Clock in seconds since the epoch, for what is kept how long.
    """

    def __init__(self, url: str, now_s: Callable[[], float] = time.time) -> None:
        super().__init__(url)
        self._now_s = now_s
        self._known: set[Key] = set()

    def run(self, operations: Sequence[BudgetOperation]) -> list[BudgetResult]:
        """Does operations in this order, in one transaction."""
        with self._transaction() as connection:
            group = _Group(connection, self._now_s(), self._known)
            group.load(operations)
            results = [group.do(operation) for operation in operations]
            written = group.write()
        self._know(written)
        return results

    def standing(self, subject: str, period: str) -> Standing:
        """Returns what a subject has spent in a period, and what is reserved."""
        with self._reading() as session:
            row = session.get(BudgetRow, (subject, period))
            names = Standing.__slots__
            return Standing(*(getattr(row, name) for name in names)) if row else Standing()

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
        with self._transaction() as connection:
            group = _Group(connection, self._now_s(), self._known)
            count = group.load_held(holders)
            group.release_all()
            group.write()
        return count

    def forget(self, *, before_s: float) -> None:
        """Deletes reservations that ended before a moment, and holders that were last seen then."""
        with self._writing() as session:
            ended = (ReservationRow.changed_s < before_s) & (ReservationRow.state != "held")
            session.execute(delete(ReservationRow).where(ended))
            holding = select(ReservationRow.holder).where(ReservationRow.state == "held")
            gone = (HolderRow.seen_s < before_s) & HolderRow.holder.not_in(holding)
            session.execute(delete(HolderRow).where(gone))

    def _know(self, keys: Collection[Key]) -> None:
        """Remembers budgets that have a row: the next transaction need not begin them."""
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        self._known.update(keys)


@dataclass(slots=True)
class _Reservation:
    """A row of `budget_reservations` in a transaction."""

    id: str
    holder: str
    state: Held
    picousd: int
    tokens: int
    places: Sequence[Sequence[str]]
    price_version: str
    changed_s: float

    @property
    def keys(self) -> list[Key]:
        """Names the budgets that it is reserved of."""
        return [(subject, period) for subject, period in self.places]


class _Group:
    """Operations of one transaction: read once, decided in memory, written once.

    Args:
        connection: In a transaction that writes.
        now_s: The time, in seconds since the epoch.
        known: Budgets that have a row, as far as is known.
    """

    def __init__(self, connection: Connection, now_s: float, known: Collection[Key]) -> None:
        self._connection = connection
        self._now_s = now_s
        self._known = known
        self._standings: dict[Key, Standing] = {}
        self._changed: set[Key] = set()
        self._reservations: dict[str, _Reservation] = {}
        self._new: set[str] = set()
        self._ended: set[str] = set()

    def load(self, operations: Sequence[BudgetOperation]) -> None:
        """Locks what the operations are about."""
        ids = sorted({each.id for each in operations if isinstance(each, Settle)})
        if ids:
            self._take(READ_RESERVATIONS, {"ids": ids})
        keys = {key for held in self._reservations.values() for key in held.keys}
        for operation in operations:
            if isinstance(operation, Reserve):
                keys.update(place.key for place in operation.places)
        self._load_standings(sorted(keys))

    def load_held(self, holders: Sequence[str]) -> int:
        """Locks what holders have not settled; returns how many reservations that are."""
        self._take(READ_HELD, {"holders": list(holders)})
        self._load_standings(
            sorted({key for held in self._reservations.values() for key in held.keys})
        )
        return len(self._reservations)

    def release_all(self) -> None:
        """Gives back everything that was loaded."""
        for held in self._reservations.values():
            self._release(held)

    def do(self, operation: BudgetOperation) -> BudgetResult:
        """Does an operation, in memory."""
        if isinstance(operation, Reserve):
            return self._reserve(operation)
        return self._settle(operation)

    def write(self) -> Collection[Key]:
        """Writes what has changed; returns the budgets that have a row now."""
        reservations = self._reservations
        if new := [asdict(reservations[id]) for id in self._new]:
            self._connection.execute(ADD_RESERVATION, new)
        if ended := sorted(self._ended - self._new):
            changes = [
                {"of_id": id, "new_state": reservations[id].state, "new_changed_s": self._now_s}
                for id in ended
            ]
            self._connection.execute(CHANGE_RESERVATION, changes)
        if changed := sorted(self._changed):
            self._connection.execute(CHANGE_BUDGET, [self._change(key) for key in changed])
        return self._standings.keys()

    def _take(self, statement: Select[Any], values: dict[str, Any]) -> None:
        for row in self._connection.execute(statement, values):
            self._reservations[row.id] = _Reservation(**row._mapping)

    def _load_standings(self, keys: Sequence[Key]) -> None:
        """Locks budgets, and begins those that are new: before any is locked, in one order, so that
        no two replicas wait for each other."""
        self._add([key for key in keys if key not in self._known])
        self._read(keys)
        if missing := [key for key in keys if key not in self._standings]:
            self._add(missing)  # they were known, and somebody has deleted them
            self._read(missing)

    def _add(self, keys: Sequence[Key]) -> None:
        if keys:
            statement = ADD_BUDGET[self._connection.dialect.name]
            empty = asdict(Standing())
            rows = [{"subject": subject, "period": period, **empty} for subject, period in keys]
            self._connection.execute(statement, rows)

    def _read(self, keys: Sequence[Key]) -> None:
        if keys:
            for subject, period, *values in self._connection.execute(READ_BUDGETS, {"keys": keys}):
                self._standings[subject, period] = Standing(*values)

    def _change(self, key: Key) -> dict[str, object]:
        values = asdict(self._standings[key])
        named = {f"new_{name}": value for name, value in values.items()}
        return {"of_subject": key[0], "of_period": key[1], **named}

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
        self._reservations[asked.id] = _Reservation(
            id=asked.id,
            holder=asked.holder,
            state="held",
            picousd=asked.amount.picousd,
            tokens=asked.amount.tokens,
            places=[list(place.key) for place in asked.places],
            price_version=asked.price_version,
            changed_s=self._now_s,
        )
        self._new.add(asked.id)
        return Reserved(exceeded=tuple(full))

    def _settle(self, asked: Settle) -> Settled:
        held = self._reservations.get(asked.id)
        if held is None:
            return Settled(None)
        was = held.state
        if was == "settled":
            return Settled(was)
        if was == "held":
            self._release(held)
        for key in held.keys:
            self._standings[key].spend(asked.amount)
            self._changed.add(key)
        held.state = "settled"
        self._ended.add(held.id)
        alerts = [
            Alert(place, percent)
            for place in asked.places
            if (percent := self._standings[place.key].reached(place)) is not None
        ]
        under = asked.amount.picousd > held.picousd or asked.amount.tokens > held.tokens
        return Settled(was, under, tuple(alerts))

    def _release(self, held: _Reservation) -> None:
        """Gives back what a reservation holds."""
        for key in held.keys:
            self._standings[key].release(Amount(held.picousd, held.tokens))
            self._changed.add(key)
        held.state = "released"
        self._ended.add(held.id)
