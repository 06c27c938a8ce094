"""A store on every kind of database that can be had here, and what to keep in it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from deployments.canary.policy import Policy
from deployments.canary.rollout import start
from deployments.control.store import ControlStore
from deployments.rollouts import Rollout

MakeRollout = Callable[..., Rollout]
_SERVER_VARIABLE = "RAGSERVE_TEST_POSTGRES_URL"


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server: the one that the environment names, else a private one."""
    if find_spec("psycopg") is None:
        pytest.skip("no PostgreSQL: the package psycopg is not installed")
    if named := os.environ.get(_SERVER_VARIABLE):
        yield named
        return
    programs = [shutil.which(name) for name in ("initdb", "postgres")]
    if None in programs:
        pytest.skip(f"no PostgreSQL: install the server or set {_SERVER_VARIABLE}")
    folder = Path(tempfile.mkdtemp(prefix="ragserve-postgres-"))
    # It refuses to run as root.
    other: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
    if other:
        shutil.chown(folder, "nobody")
    try:
        yield from _private_server(str(programs[0]), str(programs[1]), folder, other)
    finally:
        shutil.rmtree(folder)


def _private_server(
    initdb: str, postgres: str, folder: Path, other: dict[str, Any]
) -> Iterator[str]:
    data = str(folder / "data")
    subprocess.run(
        [initdb, "-D", data, "-U", "ragserve", "--auth=trust", "--no-sync", "-E", "UTF8"],
        check=True,
        capture_output=True,
        cwd=folder,
        **other,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server = subprocess.Popen(
        [postgres, "-D", data, "-p", str(port), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        **other,
    )
    import psycopg

    address = f"postgresql://ragserve@127.0.0.1:{port}/postgres"
    try:
        deadline_s = time.monotonic() + 60
        while True:
            try:
                # It listens some time before it lets anybody in.
                psycopg.connect(address, connect_timeout=5).close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline_s
                assert server.poll() is None
                time.sleep(0.05)
        yield address
    finally:
        server.send_signal(signal.SIGINT)  # the signal at which it does not wait for its clients
        server.wait(timeout=30)


_databases = count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that is empty."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'control.db'}"
        return
    server = make_url(request.getfixturevalue("postgresql_url")).set(
        drivername="postgresql+psycopg"
    )
    name = f"ragserve_test_{os.getpid()}_{next(_databases)}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield server.set(database=name, drivername="postgresql").render_as_string(False)
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        admin.dispose()


@pytest.fixture
def open_store(url: str) -> Iterator[Callable[[], ControlStore]]:
    """Opens the same database again and again, as processes would."""
    opened: list[ControlStore] = []

    def make() -> ControlStore:
        opened.append(ControlStore(url))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], ControlStore]) -> ControlStore:
    """A store with tables and nothing in them."""
    store = open_store()
    store.upgrade()
    return store


@pytest.fixture(scope="session")
def make_rollout() -> MakeRollout:
    """Returns a maker of rollouts of b over a, with other values where they are named."""
    rollout = Rollout(
        id="r1",
        stable="a",
        canary="b",
        policy=Policy(mode="abort_only", max_false_alarms=0.01, block_s=5.0),
        state=start(1_000.5),
        created_s=1_000.25,
        created_by="Zoë",
        vectors={"a": {"generator": ["g1"], "top_k": 5}, "b": {"generator": ["g2"], "x": None}},
        deployed={"a": 1.0},
    )
    return lambda **values: replace(rollout, **values)
