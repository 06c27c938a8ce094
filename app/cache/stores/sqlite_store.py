"""Answers in a SQLite file, for all processes of one machine.

What is deleted is overwritten (`secure_delete`): a tenant may have a right to that. A damaged file
is put aside, and another one is begun.
"""

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from app.cache.stores.operations import (
    CLOCKS_DIFFER_S,
    COMPANION,
    FORGOTTEN_S,
    Forget,
    Get,
    Operation,
    Put,
    Result,
)
from app.storage.circuit import StoreAway
from app.storage.sqlite_file import SqliteFile

_log = logging.getLogger("ray.serve")
_BUSY_S = 0.2
_TOUCHED_S = 30.0
"""The last use is written down again no sooner: a hit costs a read then, and no write."""
_SWEEP_S = 60.0
_ROW_BYTES = 300
"""What a row takes beside its value, tags and indexes included."""
_EVICTED_TOGETHER = 16
_TABLES = (
    "PRAGMA secure_delete=ON",
    """CREATE TABLE IF NOT EXISTS answers (
        tenant TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, bytes INTEGER NOT NULL,
        used_s REAL NOT NULL, expires_s REAL NOT NULL, PRIMARY KEY (tenant, key))""",
    "CREATE INDEX IF NOT EXISTS answers_by_use ON answers (tenant, used_s)",
    "CREATE INDEX IF NOT EXISTS answers_by_end ON answers (expires_s)",
    """CREATE TABLE IF NOT EXISTS tags (
        tenant TEXT NOT NULL, tag TEXT NOT NULL, key TEXT NOT NULL,
        PRIMARY KEY (tenant, tag, key)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS tags_by_key ON tags (tenant, key)",
    "CREATE TABLE IF NOT EXISTS tenants (tenant TEXT PRIMARY KEY, bytes INTEGER NOT NULL)",
    """CREATE TABLE IF NOT EXISTS forgotten (
        tenant TEXT NOT NULL, tag TEXT NOT NULL, at_s REAL NOT NULL, PRIMARY KEY (tenant, tag))""",
    """CREATE TRIGGER IF NOT EXISTS answer_came AFTER INSERT ON answers BEGIN
        INSERT INTO tenants VALUES (new.tenant, new.bytes)
        ON CONFLICT DO UPDATE SET bytes = bytes + new.bytes; END""",
    """CREATE TRIGGER IF NOT EXISTS answer_went AFTER DELETE ON answers BEGIN
        UPDATE tenants SET bytes = bytes - old.bytes WHERE tenant = old.tenant;
        DELETE FROM tags WHERE tenant = old.tenant AND key = old.key; END""",
)


class SqliteStore:
    """A `Store` in a file; all operations of one call are one transaction.

    Args:
        path: The file; it is made with its folder.
        max_bytes: Of all answers; over it, those of the tenant go that has most.
        tenant_bytes: Of one tenant's.
        now_s: Seconds since the epoch.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int,
        tenant_bytes: int,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._file = SqliteFile(path, _TABLES, busy_s=_BUSY_S)
        self._max_bytes = max_bytes
        self._tenant_bytes = tenant_bytes
        self._now_s = now_s
        self._swept_s = 0.0

    def run(self, operations: Sequence[Operation]) -> list[Result]:
        """See `Store.run`."""
        try:
            with self._file.transaction() as connection:
                now_s = self._now_s()
                self._sweep(connection, now_s)
                results = [self._do(connection, operation, now_s) for operation in operations]
        except StoreAway as error:
            if _is_damage(error.__cause__):
                self._put_aside()
            raise
        if any(isinstance(operation, Forget) for operation in operations):
            self._file.flush()
        return results

    def close(self) -> None:
        """See `Store.close`."""
        self._file.close()

    def _do(self, connection: sqlite3.Connection, operation: Operation, now_s: float) -> Result:
        if isinstance(operation, Get):
            return _get(connection, operation, now_s)
        if isinstance(operation, Put):
            return int(self._put(connection, operation, now_s))
        return _forget(connection, operation, now_s)

    def _put(self, connection: sqlite3.Connection, put: Put, now_s: float) -> bool:
        size = len(put.value) + _ROW_BYTES
        if size > self._tenant_bytes or _is_forgotten(connection, put):
            return False
        _delete(connection, put.tenant, [put.key])
        self._make_room(connection, put.tenant, size)
        connection.execute(
            "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)",
            (put.tenant, put.key, put.value, size, now_s, now_s + put.ttl_s),
        )
        rows = [(put.tenant, tag, put.key) for tag in set(put.tags)]
        connection.executemany("INSERT INTO tags VALUES (?, ?, ?)", rows)
        return True

    def _make_room(self, connection: sqlite3.Connection, tenant: str, size: int) -> None:
        while (over := _bytes_of(connection, tenant) + size - self._tenant_bytes) > 0:
            _evict(connection, tenant, over)
        while (over := _bytes_of_all(connection) + size - self._max_bytes) > 0:
            [largest] = connection.execute(
                "SELECT tenant FROM tenants ORDER BY bytes DESC LIMIT 1"
            ).fetchone()
            _evict(connection, largest, over)

    def _sweep(self, connection: sqlite3.Connection, now_s: float) -> None:
        if abs(now_s - self._swept_s) < _SWEEP_S:
            return
        self._swept_s = now_s
        connection.execute("DELETE FROM answers WHERE expires_s <= ?", (now_s,))
        connection.execute("DELETE FROM forgotten WHERE at_s <= ?", (now_s - FORGOTTEN_S,))
        connection.execute("DELETE FROM tenants WHERE bytes <= 0")

    def _put_aside(self) -> None:
        path = self._file.path
        _log.error("the response cache %s is damaged: it is put aside, and begun anew", path)
        with contextlib.suppress(OSError):
            path.replace(path.with_name(f"{path.name}.damaged"))
        for ending in ("-wal", "-shm"):
            with contextlib.suppress(OSError):
                path.with_name(path.name + ending).unlink(missing_ok=True)


def _get(connection: sqlite3.Connection, get: Get, now_s: float) -> bytes | None:
    row = connection.execute(
        "SELECT value, used_s FROM answers WHERE tenant = ? AND key = ? AND expires_s > ?",
        (get.tenant, get.key, now_s),
    ).fetchone()
    if row is None:
        return None
    value, used_s = row
    if abs(now_s - used_s) >= _TOUCHED_S:
        connection.execute(
            "UPDATE answers SET used_s = ? WHERE tenant = ? AND key = ?",
            (now_s, get.tenant, get.key),
        )
    return bytes(value)


def _forget(connection: sqlite3.Connection, forget: Forget, now_s: float) -> int:
    if forget.key:
        return _delete(connection, forget.tenant, [forget.key])
    connection.execute(
        "INSERT OR REPLACE INTO forgotten VALUES (?, ?, ?)", (forget.tenant, forget.tag, now_s)
    )
    if not forget.tag:
        [count] = connection.execute(
            "SELECT count(*) FROM answers WHERE tenant = ? AND substr(key, 1, 1) != ?",
            (forget.tenant, COMPANION),
        ).fetchone()
        connection.execute("DELETE FROM answers WHERE tenant = ?", (forget.tenant,))
        return int(count)
    found = connection.execute(
        "SELECT key FROM tags WHERE tenant = ? AND tag = ?", (forget.tenant, forget.tag)
    )
    keys = [key for (key,) in found.fetchall()]
    _delete(connection, forget.tenant, keys)
    return sum(not key.startswith(COMPANION) for key in keys)


def _is_forgotten(connection: sqlite3.Connection, put: Put) -> bool:
    marks = ",".join("?" * (len(put.tags) + 1))
    row = connection.execute(
        f"SELECT 1 FROM forgotten WHERE tenant = ? AND tag IN ({marks}) AND at_s >= ?",
        (put.tenant, "", *put.tags, put.begun_s - CLOCKS_DIFFER_S),
    ).fetchone()
    return row is not None


def _evict(connection: sqlite3.Connection, tenant: str, size: int) -> None:
    """Deletes the least recently used answers of a tenant: so many bytes, or some of them."""
    found = connection.execute(
        "SELECT key, bytes FROM answers WHERE tenant = ? ORDER BY used_s LIMIT ?",
        (tenant, _EVICTED_TOGETHER),
    ).fetchall()
    if not found:  # the sum is wrong
        connection.execute("DELETE FROM tenants WHERE tenant = ?", (tenant,))
    for key, freed in found:
        _delete(connection, tenant, [key])
        size -= freed
        if size <= 0:
            return


def _delete(connection: sqlite3.Connection, tenant: str, keys: Sequence[str]) -> int:
    rows = [(tenant, key) for key in keys]
    statement = "DELETE FROM answers WHERE tenant = ? AND key = ?"
    return max(connection.executemany(statement, rows).rowcount, 0) if rows else 0


def _bytes_of(connection: sqlite3.Connection, tenant: str) -> int:
    row = connection.execute("SELECT bytes FROM tenants WHERE tenant = ?", (tenant,)).fetchone()
    return 0 if row is None else int(row[0])


def _bytes_of_all(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(sum(bytes), 0) FROM tenants").fetchone()[0])


def _is_damage(error: BaseException | None) -> bool:
    """Returns whether SQLite found a file of its own broken. A file that never was one is left
    alone: its name may be a mistake."""
    return getattr(error, "sqlite_errorname", "").startswith("SQLITE_CORRUPT")
