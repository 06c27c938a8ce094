"""Transactions straight through the driver, for what every request with a budget waits for: the
library between is more than half of what they would take."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from deployments.control.database import errors_as_ours, open_engine


class Cursor(Protocol):
    """What drivers agree on."""

    def execute(self, statement: str, values: Any = ..., /) -> Any: ...
    def executemany(self, statement: str, values: Any, /) -> Any: ...
    def fetchall(self) -> Sequence[Any]: ...


class HurriedTransactions:
    """Opens transactions that write, and whose commits do not wait for the disk.

    Args:
        url: The database.
    """

    def __init__(self, url: URL) -> None:
        self._engine = open_engine(url, waits_for_disk=False)
        self._is_sqlite = url.get_backend_name() == "sqlite"

    @contextmanager
    def begin(self) -> Iterator[Cursor]:
        """Returns a cursor in a transaction, which is committed at the end of the block; raises our
        errors."""
        dialect = self._engine.dialect
        with errors_as_ours():
            pooled = self._engine.raw_connection()
            try:
                cursor = pooled.cursor()
                if self._is_sqlite:
                    cursor.execute("BEGIN IMMEDIATE")
                yield cursor
                pooled.commit()
            except dialect.loaded_dbapi.Error as error:
                connection = pooled.dbapi_connection
                if dialect.is_disconnect(error, connection, None):
                    pooled.invalidate(error)
                raise DBAPIError.instance(
                    None, None, error, dialect.loaded_dbapi.Error, dialect=dialect
                ) from error
            finally:
                pooled.close()  # what was not committed is rolled back

    def close(self) -> None:
        """Closes all connections; the next transaction opens new ones."""
        self._engine.dispose()
