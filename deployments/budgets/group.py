"""Portions and budgets in one transaction: read once, decided in memory, written once."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import cast

from deployments.budgets.contract import (
    NOTHING,
    Alert,
    Amount,
    Held,
    Need,
    Place,
    PortionNews,
    PortionState,
    Reserved,
)
from deployments.budgets.hurried import Cursor
from deployments.budgets.standing import Standing
from deployments.budgets.statements import (
    CHANGED_COLUMNS,
    PORTION_COLUMNS,
    STANDING_COLUMNS,
    Statements,
)

Key = tuple[str, str]
"""Subject and period of a budget."""
_portion_values = attrgetter(*PORTION_COLUMNS)
_changed_values = attrgetter(*CHANGED_COLUMNS, "id")
_standing_values = attrgetter(*STANDING_COLUMNS)
_MOST_VALUES = 2000
"""Rows of one statement: databases bound how many values it has."""


@dataclass(slots=True)
class _Row:
    """A row of `budget_reservations`."""

    id: str
    holder: str
    state: Held
    picousd: int
    tokens: int
    places: str
    price_version: str
    changed_s: float
    free_picousd: int
    free_tokens: int
    spent_picousd: int
    spent_tokens: int
    number: int

    @property
    def keys(self) -> list[Key]:
        """Names the budgets that it is of."""
        return [(subject, period) for subject, period in json.loads(self.places)]

    @property
    def held(self) -> Amount:
        """All that the replica holds."""
        return Amount(self.picousd, self.tokens)

    @property
    def spent(self) -> Amount:
        """What was spent of it since it began."""
        return Amount(self.spent_picousd, self.spent_tokens)

    @property
    def free(self) -> Amount:
        """What no request uses."""
        return Amount(self.free_picousd, self.free_tokens)


class Group:
    """Reads and locks rows, changes them in memory, and writes what has changed.

    Args:
        cursor: In a transaction that writes.
        statements: In the words of its dialect.
        now_s: The time, in seconds since the epoch.
        known: Budgets that have a row, as far as is known.
    """

    def __init__(
        self, cursor: Cursor, statements: Statements, now_s: float, known: Collection[Key]
    ) -> None:
        self._cursor = cursor
        self._statements = statements
        self._now_s = now_s
        self._known = known
        self._standings: dict[Key, Standing] = {}
        self._changed: set[Key] = set()
        self._rows: dict[str, _Row] = {}
        self._new: set[str] = set()
        self._touched: set[str] = set()
        self._late: set[str] = set()
        self._places: dict[str, Place] = {}
        self._alerts: dict[str, list[Alert]] = {}

    def load(self, states: Sequence[PortionState]) -> None:
        """Locks what is told of."""
        self._read_rows(self._statements.read_portions, sorted({state.id for state in states}))
        self._places = {state.id: state.place for state in states}
        self._load_standings(sorted({state.place.key for state in states}))

    def load_held(self, holders: Sequence[str]) -> int:
        """Locks what holders have not ended; returns how many portions that are."""
        self._read_rows(self._statements.read_held, holders)
        self._load_standings(sorted({key for row in self._rows.values() for key in row.keys}))
        return len(self._rows)

    def tell(self, state: PortionState) -> Held | None:
        """Takes over what a replica says of a portion; returns what that was before."""
        row = self._rows.get(state.id)
        if row is None:
            if not state.may_be_new:
                return None
            row = self._begin(state)
        was = row.state
        if state.number <= row.number:
            self._late.add(row.id)
            return was
        row.number = state.number
        self._touched.add(row.id)
        spent = state.spent - row.spent
        if spent != NOTHING:
            row.spent_picousd, row.spent_tokens = state.spent.picousd, state.spent.tokens
            self._spend(state, spent)
        if was == "held":
            self._resize(row, state.place.key, state.in_use + state.free, state.free)
            if state.ends:
                row.state, row.changed_s = "settled", self._now_s
        return was

    def meet(self, need: Need) -> Reserved:
        """Takes aside what a request needs, of all its portions or of none."""
        rows = [self._rows.get(id) for id in need.portions]
        if not all(row is not None and row.state == "held" for row in rows):
            return Reserved(is_gone=True)
        places = [self._places[id] for id in need.portions]
        full = [p for p in places if not self._standings[p.key].fits(need.amount, p)]
        if enforced := [place for place in full if place.enforced]:
            return self._refuse(enforced, need.amount)
        for row, place in zip(cast(list[_Row], rows), places, strict=True):
            self._resize(row, place.key, row.held + need.amount, row.free)
        return Reserved(exceeded=tuple(full))

    def grant(self, state: PortionState, parts: int) -> Amount:
        """Makes more of a portion free, as far as one of so many parts of what is left goes;
        returns how much."""
        row = self._rows.get(state.id)
        if row is None or row.state != "held" or state.wants == NOTHING or row.id in self._late:
            return NOTHING
        standing, place = self._standings[state.place.key], state.place
        room = standing.share(place, parts, row.free) - row.free
        granted = room.at_most(place.bounded(state.wants)).at_least(NOTHING)
        if granted == NOTHING or not place.has_room(granted, state.least):
            return NOTHING
        self._resize(row, place.key, row.held + granted, row.free + granted)
        return granted

    def news(
        self, state: PortionState, was: Held | None, granted: Amount, parts: int
    ) -> PortionNews:
        """Returns what a replica is told of a portion when all has been decided."""
        standing, place = self._standings[state.place.key], state.place
        row = self._rows.get(state.id)
        return PortionNews(
            was=was,
            granted=granted,
            most=standing.share(place, parts, NOTHING if row is None else row.free),
            called=standing.called,
            is_over=not place.enforced and standing.is_spent(place),
            alerts=tuple(self._alerts.get(state.id, ())),
        )

    def release_all(self, spent: Mapping[str, Amount]) -> None:
        """Gives back everything that was loaded.

        Args:
            spent: What was spent of portions in all, as far as more of it is known than was told.
        """
        for row in self._rows.values():
            more = spent.get(row.id, row.spent).at_least(row.spent) - row.spent
            row.spent_picousd += more.picousd
            row.spent_tokens += more.tokens
            for key in row.keys:
                self._standings[key].spend(more)
                self._changed.add(key)
                self._move(key, NOTHING - row.held, NOTHING - row.free)
            row.picousd = row.tokens = row.free_picousd = row.free_tokens = 0
            row.state, row.changed_s = "released", self._now_s
            self._touched.add(row.id)

    def write(self) -> Collection[Key]:
        """Writes what has changed; returns the budgets that have a row now."""
        if new := [_portion_values(self._rows[id]) for id in sorted(self._new)]:
            self._cursor.executemany(self._statements.add_portion, new)
        if old := sorted(self._touched - self._new):
            values = [_changed_values(self._rows[id]) for id in old]
            self._cursor.executemany(self._statements.change_portion, values)
        if changed := sorted(self._changed):
            values = [(*_standing_values(self._standings[key]), *key) for key in changed]
            self._cursor.executemany(self._statements.change_budget, values)
        return self._standings.keys()

    def _begin(self, state: PortionState) -> _Row:
        row = self._rows[state.id] = _Row(
            id=state.id,
            holder=state.holder,
            state="held",
            picousd=0,
            tokens=0,
            places=json.dumps([list(state.place.key)], separators=(",", ":")),
            price_version=state.price_version,
            changed_s=self._now_s,
            free_picousd=0,
            free_tokens=0,
            spent_picousd=0,
            spent_tokens=0,
            number=0,
        )
        self._new.add(state.id)
        return row

    def _refuse(self, full: Sequence[Place], amount: Amount) -> Reserved:
        """Returns a refusal; where others hold what is missing and use it not, asks for it."""
        for place in full:
            standing = self._standings[place.key]
            left = standing.left(place)
            if not place.has_room(left + standing.free, amount):
                return Reserved(place, left)
        for place in full:
            self._standings[place.key].called += 1
            self._changed.add(place.key)
        return Reserved(full[0], self._standings[full[0].key].left(full[0]), is_elsewhere=True)

    def _spend(self, state: PortionState, amount: Amount) -> None:
        standing = self._standings[state.place.key]
        standing.spend(amount)
        self._changed.add(state.place.key)
        if (percent := standing.reached(state.place)) is not None:
            self._alerts.setdefault(state.id, []).append(Alert(state.place, percent))

    def _resize(self, row: _Row, key: Key, held: Amount, free: Amount) -> None:
        """Makes a portion as large as that, and so much of it free."""
        self._move(key, held - row.held, free - row.free)
        row.picousd, row.tokens = held.picousd, held.tokens
        row.free_picousd, row.free_tokens = free.picousd, free.tokens
        self._touched.add(row.id)

    def _move(self, key: Key, reserved: Amount, free: Amount) -> None:
        if reserved != NOTHING or free != NOTHING:
            self._standings[key].move(reserved, free)
            self._changed.add(key)

    def _read_rows(self, statement: Callable[[int], str], values: Sequence[str]) -> None:
        for begin in range(0, len(values), _MOST_VALUES):
            part = tuple(values[begin : begin + _MOST_VALUES])
            self._cursor.execute(statement(len(part)), part)
            for found in self._cursor.fetchall():
                row = _Row(*found)
                self._rows[row.id] = row

    def _load_standings(self, keys: Sequence[Key]) -> None:
        """Locks budgets, and begins those that are new: before any is locked, in one order, so that
        no two replicas wait for each other."""
        self._add([key for key in keys if key not in self._known])
        self._read_standings(keys)
        if missing := [key for key in keys if key not in self._standings]:
            self._add(missing)  # they were known, and somebody has deleted them
            self._read_standings(missing)

    def _add(self, keys: Sequence[Key]) -> None:
        if keys:
            empty = _standing_values(Standing())
            rows = [(*key, *empty) for key in keys]
            self._cursor.executemany(self._statements.add_budget, rows)

    def _read_standings(self, keys: Sequence[Key]) -> None:
        for begin in range(0, len(keys), _MOST_VALUES):
            part = keys[begin : begin + _MOST_VALUES]
            text = self._statements.read_budgets(len(part))
            values = tuple(value for key in part for value in key)
            self._cursor.execute(text, values)
            for subject, period, *standing in self._cursor.fetchall():
                self._standings[subject, period] = Standing(*standing)
