"""A SQLite file that several processes write: its changes go to a log."""

import sqlite3
from contextlib import suppress
from typing import Any

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed


def use_wal(connection: Any, *, within_s: float) -> None:
    """Turns to WAL, which the file remembers. SQLite's own waiting does not cover this step: where
    several begin a file at once, it refuses.

    Args:
        connection: To the file, outside of a transaction.
        within_s: Time to wait for others.

    Raises:
        sqlite3.OperationalError: they took longer.
    """
    waiting = Retrying(
        retry=retry_if_exception(_is_busy),
        wait=wait_fixed(min(within_s / 10, 0.05)),
        stop=stop_after_delay(within_s),
        reraise=True,
    )
    waiting(connection.execute, "PRAGMA journal_mode=WAL")


def empty_log(connection: Any) -> None:
    """Writes the log of changes into the file and empties it, as far as nobody reads it: what was
    deleted is in neither then. Where somebody is too busy, a later change empties it.

    Args:
        connection: To the file, outside of a transaction.
    """
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _is_busy(error: BaseException) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
