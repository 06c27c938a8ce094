"""Stores of answers on a clock that tests set."""

from collections.abc import Callable, Iterator
from pathlib import Path

import fakeredis
import pytest

from app.cache.stores.operations import Store
from app.cache.stores.redis_store import RedisStore
from app.cache.stores.sqlite_store import SqliteStore
from tests.unit.app.limits.conftest import redis_server, redis_url  # noqa: F401

TENANT_BYTES = 20_000


class WallClock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, now_s: float = 1_800_000_000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@pytest.fixture(params=["sqlite", "redis", "fakeredis"])
def open_store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: WallClock
) -> Iterator[Callable[[], Store]]:
    """Opens each of the stores, empty at first; called again, the same as another replica has."""
    server = fakeredis.FakeServer()
    opened: list[Store] = []

    def open_one() -> Store:
        made: Store
        if request.param == "sqlite":
            made = SqliteStore(
                tmp_path / "cache.db",
                max_bytes=3 * TENANT_BYTES,
                tenant_bytes=TENANT_BYTES,
                now_s=clock,
            )
        else:
            fake = request.param == "fakeredis"
            client = fakeredis.FakeRedis(server=server) if fake else None
            url = "redis://nowhere" if fake else request.getfixturevalue("redis_url")
            made = RedisStore(url, tenant_bytes=TENANT_BYTES, now_s=clock, client=client)
        opened.append(made)
        return made

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    return open_store()
