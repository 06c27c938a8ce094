"""What goes wrong with a database is said in our words, and never with its password."""

import sqlite3
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from deployments.contracts.errors import ConfigError, RagError, Unavailable
from deployments.control.database import parse_url
from deployments.control.store import ControlStore
from deployments.rollouts import Rollout

MakeRollout = Callable[..., Rollout]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "secret",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
        "mysql://me:secret@host/db",
        "postgresql://me:sec@secret@host/db",
        "postgresql://me:pw@host:secret/db",
        "nonsense://me:secret@host/db",
    ],
)
def test_a_url_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ControlStore(url)
    assert "secret" not in _all_that_is_said(caught.value)


@pytest.mark.parametrize("name", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_spelling_of_postgresql_uses_one_driver(name: str) -> None:
    assert parse_url(f"{name}://me@host/db").drivername == "postgresql+psycopg"


@pytest.mark.skipif(find_spec("psycopg") is not None, reason="psycopg is installed")
def test_a_missing_driver_is_named() -> None:
    with pytest.raises(ConfigError, match="psycopg"):
        ControlStore("postgresql://me:secret@127.0.0.1/db")


@pytest.mark.skipif(find_spec("psycopg") is None, reason="psycopg is not installed")
def test_a_server_that_is_down_is_unavailable() -> None:
    store = ControlStore("postgresql://me:secret@127.0.0.1:1/db")
    for call in (store.active, store.upgrade):
        with pytest.raises(Unavailable, match="does not answer") as caught:
            call()
        assert "secret" not in _all_that_is_said(caught.value)


def test_a_locked_database_is_unavailable(
    tmp_path: Path, make_rollout: MakeRollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.control.database._BUSY_S", 0.05)
    store = _store_in(tmp_path)
    other = sqlite3.connect(tmp_path / "control.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"):
        store.create(make_rollout())
    assert store.active() is None  # readers do not wait for writers
    other.execute("ROLLBACK")
    other.close()
    store.create(make_rollout())
    assert store.active() is not None
    store.close()


def test_a_migration_waits_for_one_who_writes(tmp_path: Path) -> None:
    """Before it has turned to WAL, SQLite does not wait by itself."""
    other = sqlite3.connect(tmp_path / "control.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.2, other.execute, ["COMMIT"])
    done.start()
    store = _store_in(tmp_path)
    done.join()
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store.active() is None
    store.close()
    other.close()


def test_a_read_only_database_is_unavailable(
    tmp_path: Path, make_rollout: MakeRollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user who may do everything is not stopped by permissions, so the connection is."""
    store = _store_in(tmp_path)
    with store._writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
    with pytest.raises(Unavailable, match="read-only"):
        store.create(make_rollout())
    store.close()


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "control.db").write_bytes(b"no database at all" * 100)
    store = ControlStore(f"sqlite:///{tmp_path / 'control.db'}")
    for call in (store.upgrade, store.active):
        with pytest.raises(Unavailable, match="no SQLite file"):
            call()


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = ControlStore(f"sqlite:///{tmp_path / 'file' / 'control.db'}")
    with pytest.raises(Unavailable, match="folder"):
        store.upgrade()
    with pytest.raises(Unavailable, match="cannot be opened"):
        store.active()


def _store_in(folder: Path) -> ControlStore:
    store = ControlStore(f"sqlite:///{folder / 'control.db'}")
    store.upgrade()
    return store


def _all_that_is_said(error: RagError) -> str:
    """Returns what a log shows of an error and of what caused it."""
    said, cause = repr(error), error.__cause__
    while cause is not None:
        said += f"{cause!r} {cause}"
        cause = cause.__cause__
    return said
