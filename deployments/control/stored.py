"""What everything shares that is kept in the one database."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from deployments.contracts.erasure import ErasureScope
from deployments.control.database import errors_as_ours, migrate, open_engine, parse_url
from deployments.control.tables import Base
from deployments.sqlite_wal import empty_log


def insert_into(session: Session, table: type[Base]) -> Any:
    """Returns an insert that can say what is to be done with a row that is there already."""
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    return sqlite.insert(table) if on_sqlite else postgresql.insert(table)


def belongs_to(table: Any, scope: ErasureScope) -> Any:
    """Returns what is true of the rows that were written for a conversation or a user.

    Args:
        table: Has the columns `tenant`, `conversation` and `user_mark`.
        scope: Which one.
    """
    named = (
        table.conversation == scope.conversation
        if scope.conversation
        else table.user_mark == scope.user_mark
    )
    return (table.tenant == scope.tenant) & named


def count_of(session: Session, change: Executable) -> int:
    """Makes a change, and returns how many rows that were."""
    made = session.execute(change)
    return made.rowcount if isinstance(made, CursorResult) else 0


class Stored:
    """Base of the stores. Every method blocks; call it from a thread. All of them raise Unavailable
    where the database does not answer.

    Args:
        url: `sqlite:///<path>` or `postgresql://<user>:<password>@<host>/<database>`.

    Raises:
        ConfigError: the URL names no such database, or its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        self._url = parse_url(url)
        self._reader = open_engine(self._url)
        self._writer = self._reader.execution_options(writes=True)

    def upgrade(self) -> None:
        """Creates the tables or brings them to their newest form; must come before all else.

        Raises:
            ConfigError: the tables are of a newer version of this program.
        """
        migrate(self._url)

    def close(self) -> None:
        """Closes all connections; the next call opens new ones."""
        self._reader.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with errors_as_ours(), Session(self._reader) as session:
            yield session

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """A transaction that writes, without a session's objects: for what must be quick."""
        with errors_as_ours(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with errors_as_ours(), Session(self._writer) as session, session.begin():
            yield session

    @contextmanager
    def _erasing(self) -> Iterator[Session]:
        """A transaction that writes, after which nothing of what it deletes is left in a SQLite
        file or in its log, unless somebody reads at that moment. PostgreSQL keeps it until its next
        VACUUM."""
        with self._writing() as session:
            yield session
        if self._writer.dialect.name == "sqlite":
            with errors_as_ours(), closing(self._writer.raw_connection()) as connection:
                empty_log(connection.driver_connection)
