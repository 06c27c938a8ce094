"""Limits in a SQLite file, for all processes of one machine."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from app.limits.stores.deciding import Clock, decide
from app.limits.stores.memory_store import wall_clock_us
from app.limits.stores.operations import Decision, Operation
from app.storage.sqlite_file import SqliteFile

_BUSY_S = 1.0
_SWEEP_US = 60_000_000
_TABLES = (
    "CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, arrival_us INTEGER NOT NULL)"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS places (name TEXT NOT NULL, member TEXT NOT NULL,"
    " until_us INTEGER NOT NULL, PRIMARY KEY (name, member)) WITHOUT ROWID",
)


class SqliteStore:
    """A `Store` in a file; all operations of one call are one transaction.

    Args:
        path: The file; it is made with its folder.
        now_us: The clock, which all processes of the machine share.
    """

    def __init__(self, path: Path, now_us: Clock = wall_clock_us) -> None:
        self._file = SqliteFile(path, _TABLES, busy_s=_BUSY_S)
        self._now_us = now_us
        self._swept_us = 0

    def run(self, operations: Sequence[Operation]) -> list[Decision]:
        """See `Store.run`."""
        with self._file.transaction() as connection:
            # Read once the lock is held: no other process can have written with a later time.
            now_us = self._now_us()
            table = _SqliteTable(connection)
            decisions = [decide(operation, table, now_us) for operation in operations]
            if abs(now_us - self._swept_us) >= _SWEEP_US:
                self._swept_us = now_us
                connection.execute("DELETE FROM buckets WHERE arrival_us <= ?", (now_us,))
                connection.execute("DELETE FROM places WHERE until_us <= ?", (now_us,))
        return decisions

    def close(self) -> None:
        """See `Store.close`."""
        self._file.close()


class _SqliteTable:
    """A `Table` inside a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def arrival_us(self, name: str) -> int | None:
        row = self._execute("SELECT arrival_us FROM buckets WHERE name = ?", (name,)).fetchone()
        return None if row is None else int(row[0])

    def keep(self, name: str, arrival_us: int | None) -> None:
        if arrival_us is None:
            self._execute("DELETE FROM buckets WHERE name = ?", (name,))
            return
        self._execute("INSERT OR REPLACE INTO buckets VALUES (?, ?)", (name, arrival_us))

    def taken(self, name: str, now_us: int) -> int:
        self._execute("DELETE FROM places WHERE name = ? AND until_us <= ?", (name, now_us))
        count = self._execute("SELECT count(*) FROM places WHERE name = ?", (name,)).fetchone()
        return int(count[0])

    def take(self, name: str, member: str, until_us: int) -> None:
        self._execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", (name, member, until_us))

    def give_back(self, name: str, member: str) -> None:
        self._execute("DELETE FROM places WHERE name = ? AND member = ?", (name, member))
