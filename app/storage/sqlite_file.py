"""A SQLite file that all processes of one machine share, and whose loss costs little.

A file of its own, with `synchronous=NORMAL`: losing the last moments with the power costs nobody
anything, and the database with the records must not wait for it. WAL does not work on file systems
of a network, so this is for one machine.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.storage.circuit import StoreAway
from deployments.sqlite_wal import empty_log, use_wal


class SqliteFile:
    """One connection, which one thread uses and another one may close.

    Args:
        path: The file; it is made with its folder.
        tables: Statements that make what is to be in it, where it is not.
        busy_s: Time a call waits for other processes.
    """

    def __init__(self, path: Path, tables: Sequence[str], *, busy_s: float) -> None:
        self.path = path
        self._tables = tables
        self._busy_s = busy_s
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Runs a block as one transaction that writes, alone among all processes.

        Raises:
            StoreAway: nothing of it was done.
        """
        try:
            connection = self._connection or self._open()
            with _begun(connection):
                yield connection
        except (sqlite3.Error, OSError) as error:
            self.close()  # the file may have gone: the next call looks for it anew
            raise StoreAway(f"{type(error).__name__}: {error}") from error

    def flush(self) -> None:
        """Has nothing of what was deleted left; see `empty_log`."""
        if self._connection is not None:
            empty_log(self._connection)

    def close(self) -> None:
        """Frees the file; the next call opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=self._busy_s, isolation_level=None, check_same_thread=False
        )
        try:
            use_wal(connection, within_s=self._busy_s)
            connection.execute("PRAGMA synchronous=NORMAL")
            for statement in self._tables:
                connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection


@contextmanager
def _begun(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
