"""What everything shares that is kept in the one database."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from deployments.control.database import errors_as_ours, migrate, open_engine, parse_url


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
    def _writing(self) -> Iterator[Session]:
        with errors_as_ours(), Session(self._writer) as session, session.begin():
            yield session
