"""A store on every kind of database that can be had here, and what to keep in it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from benchmarks.peers.postgres_server import postgres_programs, running_postgres
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
    programs = postgres_programs()
    if programs is None:
        pytest.skip(f"no PostgreSQL: install the server or set {_SERVER_VARIABLE}")
    with running_postgres(programs) as url:
        yield url


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
