"""The tables of the control database, as they are at one moment, and back into another database.

Values travel as the database has them, not as the program reads them, so that nothing is lost that
this version does not know. SQLite and PostgreSQL have the same tables: either takes what the other
gave.
"""

import base64
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, func, insert, select, text

from app.backup.archive import ArchiveReader, ArchiveWriter, Row
from app.client.errors import CliError
from deployments.control.database import errors_as_ours, migrate, open_engine, parse_url

FOLDER = "records"
_REVISION = "alembic_version"
_OF_PROCESSES = {_REVISION, "leases", "claims"}
"""What belongs to processes that run, or to the form of the tables."""
_FROM_THE_START = {"access_version": 1, "tenants": 1}
"""Rows that come with the tables."""
_APPENDED = {"audit"}
"""What nobody may change: its entries seal each other."""
_BATCH = 500


class Records:
    """The control database at a URL.

    Raises:
        ConfigError: the URL is none.
    """

    def __init__(self, url: str) -> None:
        self._url = parse_url(url)
        self._engine: Engine = open_engine(self._url)

    def prepare(self) -> None:
        """Creates the tables, or brings them to their newest form, before a restoration. A backup
        leaves them as they are: the service that uses them may be older than this program.

        Raises:
            ConfigError: they are of a newer version.
        """
        migrate(self._url)

    def close(self) -> None:
        """Gives back connections."""
        self._engine.dispose()

    def write_to(self, archive: ArchiveWriter) -> dict[str, Any]:
        """Copies all tables as of one moment; returns what the manifest says of them."""
        # SQLite's transactions see one moment as they are.
        how = {"isolation_level": "REPEATABLE READ"} if self._is_postgresql else {}
        engine = self._engine.execution_options(**how)
        with errors_as_ours(), engine.connect() as connection, connection.begin():
            if self._is_postgresql:  # a large table takes its time
                connection.execute(text("SET LOCAL statement_timeout = 0"))
            counts = {
                table.name: archive.add(f"{FOLDER}/{table.name}", _rows(connection, table))
                for table in _tables(connection)
            }
            return {"revision": _revision(connection), "tables": counts}

    def counts(self) -> dict[str, int]:
        """Returns how many rows each table has that a restoration would replace, where there are
        any."""
        with errors_as_ours(), self._engine.connect() as connection:
            found = {
                table.name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
                for table in _tables(connection)
                if table.name not in _APPENDED
            }
        return {
            name: count for name, count in found.items() if count > _FROM_THE_START.get(name, 0)
        }

    def read_from(self, archive: ArchiveReader) -> int:
        """Puts the rows of a backup in place of what is there, all of them or none; returns how
        many. An audit log that has entries keeps them, and gets none of another one.

        Raises:
            CliError: the backup's tables have another form than these.
        """
        engine = self._engine.execution_options(writes=True)
        with errors_as_ours(), engine.connect() as connection, connection.begin():
            told = archive.manifest["records"]["revision"]
            if (here := _revision(connection)) != told:
                raise CliError(
                    f"The backup's records are of revision {told}, this version has {here}.",
                    "Restore it with the version of ragserve that wrote it, then upgrade.",
                )
            tables = [
                table
                for table in _tables(connection)
                if table.name not in _APPENDED or not _has_rows(connection, table)
            ]
            for table in reversed(tables):
                if table.name not in _APPENDED:
                    connection.execute(table.delete())
            names = archive.names(FOLDER)
            count = 0
            for table in tables:
                if f"{FOLDER}/{table.name}" in names:
                    count += _fill(connection, table, archive.rows(f"{FOLDER}/{table.name}"))
            if self._is_postgresql:
                _count_on(connection, tables)
            return count

    @property
    def _is_postgresql(self) -> bool:
        return self._engine.dialect.name == "postgresql"


def _tables(connection: Connection) -> list[Table]:
    """Returns the tables, those that others refer to first."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name not in _OF_PROCESSES]


def _has_rows(connection: Connection, table: Table) -> bool:
    return connection.execute(select(table).limit(1)).first() is not None


def _revision(connection: Connection) -> str:
    return str(connection.scalar(text(f"SELECT version_num FROM {_REVISION}")))


def _rows(connection: Connection, table: Table) -> Iterator[Row]:
    asked = select(table).execution_options(yield_per=_BATCH)
    for row in connection.execute(asked).mappings():
        yield {name: _out(value) for name, value in row.items()}


def _fill(connection: Connection, table: Table, rows: Iterator[Row]) -> int:
    count = 0
    while batch := list(islice(rows, _BATCH)):
        values = [{name: _in(value) for name, value in row.items()} for row in batch]
        connection.execute(insert(table), values)
        count += len(batch)
    return count


def _count_on(connection: Connection, tables: list[Table]) -> None:
    """Has PostgreSQL's counters go on after the rows that were put in with their numbers."""
    for table in tables:
        for column in table.primary_key.columns:
            name = connection.scalar(
                text("SELECT pg_get_serial_sequence(:table, :column)"),
                {"table": f'"{table.name}"', "column": column.name},
            )
            highest = connection.scalar(select(func.max(column))) if name else None
            if highest is not None:
                connection.execute(select(func.setval(name, highest)))


def _out(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"bytes": base64.b64encode(bytes(value)).decode("ascii")}
    return value


def _in(value: Any) -> Any:
    return base64.b64decode(value["bytes"]) if isinstance(value, dict) else value
