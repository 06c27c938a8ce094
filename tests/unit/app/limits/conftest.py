"""Stores of limits on a clock that tests set."""

from collections.abc import Iterator
from pathlib import Path

import fakeredis
import pytest
import redis

from app.limits.stores.memory_store import MemoryStore
from app.limits.stores.operations import Store
from app.limits.stores.redis_store import RedisStore
from app.limits.stores.sqlite_store import SqliteStore
from benchmarks.peers.redis_server import RedisServer, redis_program, running_redis


class MicrosecondClock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, now_us: int = 1_800_000_000_000_000) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us

    def pass_s(self, seconds: float) -> None:
        self.now_us += round(seconds * 1e6)


@pytest.fixture
def clock() -> MicrosecondClock:
    return MicrosecondClock()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A server of our own, for the script as it really runs."""
    program = redis_program()
    if program is None:
        pytest.skip("no Redis: install redis-server")
    with running_redis(program) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty database."""
    if redis_server.process is None:
        redis_server.start()
    client = redis.Redis.from_url(redis_server.url)
    client.flushall()
    client.close()
    return redis_server.url


@pytest.fixture(params=["memory", "sqlite", "redis", "fakeredis"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: MicrosecondClock
) -> Iterator[Store]:
    """Each of the stores, empty."""
    made: Store
    if request.param == "memory":
        made = MemoryStore(clock)
    elif request.param == "sqlite":
        made = SqliteStore(tmp_path / "limits.db", clock)
    elif request.param == "fakeredis":
        made = RedisStore("redis://nowhere", now_us=clock, client=fakeredis.FakeRedis())
    else:
        made = RedisStore(request.getfixturevalue("redis_url"), now_us=clock)
    yield made
    made.close()
