"""What is said to the database about budgets and portions, as text for its driver.

Every request with a budget waits for it at its end: to compile statements, or to go through a
session's objects, is most of what they would cost. No value is ever part of a text.
"""

from collections.abc import Sequence
from functools import lru_cache

from deployments.budgets.standing import Standing

PORTION_COLUMNS = (
    *("id", "holder", "state", "picousd", "tokens", "places", "price_version", "changed_s"),
    *("free_picousd", "free_tokens", "spent_picousd", "spent_tokens", "number"),
)
CHANGED_COLUMNS = (
    *("state", "picousd", "tokens", "changed_s"),
    *("free_picousd", "free_tokens", "spent_picousd", "spent_tokens", "number"),
)
STANDING_COLUMNS: tuple[str, ...] = tuple(Standing.__dataclass_fields__)


class Statements:
    """The texts, in the words of a dialect.

    Args:
        dialect: `sqlite` or `postgresql`.
    """

    def __init__(self, dialect: str) -> None:
        self._mark = "?" if dialect == "sqlite" else "%s"
        # SQLite has one lock for all, and a transaction that writes has it from its beginning.
        self._lock = "" if dialect == "sqlite" else " FOR UPDATE"
        portion, changed = ", ".join(PORTION_COLUMNS), _assigned(CHANGED_COLUMNS)
        standing = ", ".join(STANDING_COLUMNS)
        self._read_portions = (
            f"SELECT {portion} FROM budget_reservations WHERE id IN ({{}}) ORDER BY id"
        )
        self._read_held = (
            f"SELECT {portion} FROM budget_reservations"
            " WHERE holder IN ({}) AND state = 'held' ORDER BY id"
        )
        self._read_budgets = (
            f"SELECT subject, period, {standing} FROM budgets"
            " WHERE (subject, period) IN (VALUES {}) ORDER BY subject, period"
        )
        self.add_portion = self._text(
            f"INSERT INTO budget_reservations ({portion}) VALUES ({_marks(PORTION_COLUMNS)})"
        )
        self.change_portion = self._text(f"UPDATE budget_reservations SET {changed} WHERE id = ?")
        self.add_budget = self._text(
            f"INSERT INTO budgets (subject, period, {standing})"
            f" VALUES (?, ?, {_marks(STANDING_COLUMNS)}) ON CONFLICT DO NOTHING"
        )
        self.change_budget = self._text(
            f"UPDATE budgets SET {_assigned(STANDING_COLUMNS)} WHERE subject = ? AND period = ?"
        )
        self.read_portions = lru_cache(maxsize=64)(self._reads_portions)
        self.read_held = lru_cache(maxsize=64)(self._reads_held)
        self.read_budgets = lru_cache(maxsize=64)(self._reads_budgets)

    def _reads_portions(self, count: int) -> str:
        """Returns what locks and reads so many portions by their ids."""
        return self._text(self._read_portions.format(_marks(range(count))) + self._lock)

    def _reads_held(self, count: int) -> str:
        """Returns what locks and reads what so many holders have not ended."""
        return self._text(self._read_held.format(_marks(range(count))) + self._lock)

    def _reads_budgets(self, count: int) -> str:
        """Returns what locks and reads so many budgets by pairs of subject and period."""
        pairs = ", ".join(["(?, ?)"] * count)
        return self._text(self._read_budgets.format(pairs) + self._lock)

    def _text(self, text: str) -> str:
        return text.replace("?", self._mark)


def _marks(columns: Sequence[object]) -> str:
    return ", ".join("?" for _ in columns)


def _assigned(columns: Sequence[str]) -> str:
    return ", ".join(f"{name} = ?" for name in columns)
