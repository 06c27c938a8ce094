"""A database by its URL: SQLite or PostgreSQL, its settings, its tables, and its errors as ours.

Whatever was committed survives a kill of the process, on SQLite also a loss of power: WAL with a
sync per commit, except where an engine was opened that does not wait for the disk. Write
transactions take SQLite's lock when they begin, because one that has read first cannot wait for it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    EmulatedDBAPIException,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from deployments.contracts.errors import ConfigError, StageError, StageFailed, Unavailable
from deployments.sqlite_wal import use_wal

_STAGE = "control"
_BUSY_S = 5.0
_SILENCE_MS = 10_000
"""Time after which a PostgreSQL server that acknowledges nothing counts as gone."""
_MIGRATION_S = 60.0
_ADVISORY_LOCK = 7_263_017_401
"""Any number that nothing else in the same PostgreSQL database locks."""
_MIGRATIONS = Path(__file__).with_name("migrations")
_migrating = threading.Lock()  # Alembic keeps the migration under way in a global variable
_WORDS = {
    "SQLITE_BUSY": "is locked by another process",
    "SQLITE_LOCKED": "is locked by another process",
    "SQLITE_READONLY": "is read-only",
    "SQLITE_CANTOPEN": "cannot be opened",
    "SQLITE_FULL": "has no space left",
    "SQLITE_NOTADB": "is no SQLite file",
    "SQLITE_CORRUPT": "is damaged",
}
_WITHOUT_TABLES = ("no such table", "undefinedtable")


def parse_url(url: str) -> URL:
    """Returns the URL of a database that can hold rollouts.

    Raises:
        ConfigError: it is none, and the message holds nothing of it.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError("The URL of the control database cannot be read.") from None
    backend = parsed.drivername.partition("+")[0]
    if backend in ("postgresql", "postgres"):
        if "@" in (parsed.host or ""):
            raise ConfigError("A password in the control database's URL must be percent-encoded.")
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise ConfigError("The control database must be sqlite:/// or postgresql://.")
    if parsed.database in (None, "", ":memory:") or "uri" in parsed.query:
        raise ConfigError("The control database must be a file: sqlite:///<path>.")
    return parsed.set(drivername="sqlite+pysqlite")


def open_engine(url: URL, *, waits_for_disk: bool = True) -> Engine:
    """Returns an engine; nothing is connected yet. Its transactions begin as readers; those of
    `engine.execution_options(writes=True)` as writers.

    Args:
        url: The database.
        waits_for_disk: Whether a commit is on the disk when it returns. If not, it is seen by all
            at once and survives a kill of any process that uses the database; what a loss of power,
            or a kill of PostgreSQL itself, takes is what came since the last commit that did wait.
    """
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": _BUSY_S})
        _set_up_sqlite(engine, migrates=False, waits_for_disk=waits_for_disk)
        return engine
    limits = f"-c statement_timeout={_BUSY_S * 1000:.0f} -c lock_timeout={_BUSY_S * 1000:.0f}"
    if not waits_for_disk:
        limits += " -c synchronous_commit=off"
    return _open_postgresql(url, options=limits, pool_pre_ping=True, pool_timeout=_BUSY_S)


def migrate(url: URL, *, revision: str = "head") -> None:
    """Brings the tables to their newest form, or up to a revision, however many processes try it at
    once.

    Raises:
        ConfigError: the tables are of a newer version of this program.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    engine = _migration_engine(url)
    try:
        with _migrating, errors_as_ours(), engine.connect() as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                lock = text("SELECT pg_advisory_xact_lock(:key)")
                connection.execute(lock, {"key": _ADVISORY_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    except CommandError as error:
        raise ConfigError("The control database is of a newer version.") from error
    finally:
        engine.dispose()


@contextmanager
def errors_as_ours() -> Iterator[None]:
    """Turns what the library raises into our errors."""
    try:
        yield
    except (SQLAlchemyError, EmulatedDBAPIException) as error:
        raise _as_ours(error) from error


def breaks_unique(error: IntegrityError, table: str, column: str) -> bool:
    """Returns whether a row was refused because another one has its value in a column of a table,
    where that column alone must be unique."""
    cause: Any = error.orig
    if (told := getattr(cause, "diag", None)) is not None:  # PostgreSQL names the constraint
        return bool(told.constraint_name == f"uq_{table}_{column}")
    return str(cause) == f"UNIQUE constraint failed: {table}.{column}"


def _as_ours(error: SQLAlchemyError | EmulatedDBAPIException) -> StageError:
    if isinstance(error, IntegrityError):
        return StageFailed("The control database refused a row that breaks its rules.", _STAGE)
    cause = getattr(error, "orig", None)
    code = str(getattr(cause, "sqlite_errorname", ""))
    words = [says for name, says in _WORDS.items() if code.startswith(name)]
    if words:
        return Unavailable(f"The control database {words[0]}.", _STAGE, 1.0)
    if any(word in f"{type(cause).__name__} {cause}".lower() for word in _WITHOUT_TABLES):
        return Unavailable("The control database has no tables yet.", _STAGE, 1.0)
    if isinstance(error, (OperationalError, InterfaceError, InternalError)):
        return Unavailable("The control database does not answer.", _STAGE, 1.0)
    if isinstance(error, PoolTimeout):
        return Unavailable("The control database is too busy.", _STAGE, 1.0)
    return StageFailed("The control database refused a statement.", _STAGE)


def _migration_engine(url: URL) -> Engine:
    """Returns an engine that waits longer, and without foreign keys on SQLite, which would see a
    table that is built anew as one that is emptied."""
    if url.get_backend_name() != "sqlite":
        limits = f"-c lock_timeout={_MIGRATION_S * 1000:.0f}"
        return _open_postgresql(url, options=limits, poolclass=NullPool)
    assert url.database
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable("The control database has no folder.", _STAGE) from error
    engine = create_engine(url, connect_args={"timeout": _MIGRATION_S}, poolclass=NullPool)
    _set_up_sqlite(engine, migrates=True)
    return engine.execution_options(writes=True)


def _open_postgresql(url: URL, *, options: str, **settings: Any) -> Engine:
    try:
        return create_engine(
            url,
            connect_args={
                "connect_timeout": int(_BUSY_S),
                "tcp_user_timeout": _SILENCE_MS,
                "options": options,
            },
            **settings,
        )
    except ModuleNotFoundError as error:
        raise ConfigError("PostgreSQL needs the package psycopg[binary].") from error


def _set_up_sqlite(engine: Engine, *, migrates: bool, waits_for_disk: bool = True) -> None:
    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver begins no transactions by itself
        connection.execute(f"PRAGMA synchronous={'FULL' if waits_for_disk else 'NORMAL'}")
        connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten
        if migrates:
            use_wal(connection, within_s=_MIGRATION_S)
        else:
            connection.execute("PRAGMA foreign_keys=ON")

    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
