"""From the environment to stores."""

import logging
from pathlib import Path

import pytest

from app.limits.opening import open_limiter, open_store
from app.limits.stores.gcra import cost_us
from app.limits.stores.operations import Move, Operation
from app.limits.stores.redis_store import RedisStore
from app.limits.stores.sqlite_store import SqliteStore
from app.settings.cold.limits import LimitsArgs
from deployments.contracts.errors import ConfigError

ARGS = LimitsArgs()


def test_a_file_is_a_store(tmp_path: Path) -> None:
    assert isinstance(open_store(f"sqlite:///{tmp_path}/limits.db", ARGS), SqliteStore)


def test_a_redis_is_one(redis_url: str) -> None:
    store = open_store(redis_url, ARGS)
    assert isinstance(store, RedisStore)
    store.close()


def test_a_redis_that_is_away_is_none_the_less(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        store = open_store("redis://127.0.0.1:1/0", ARGS)
    assert isinstance(store, RedisStore)
    assert "away" in caplog.text
    store.close()


async def test_where_no_store_is_named_each_replica_limits_at_its_part() -> None:
    limiter = open_limiter(LimitsArgs(max_replicas=2), {})
    asked = Operation(moves=(Move("b", cost_us(1, 4)),))
    async with limiter.running():
        decisions = [await limiter.ask(asked, lambda _: None) for _ in range(3)]
    assert [(decision.passed, decision.local) for decision in decisions] == [
        (True, True),
        (True, True),
        (False, True),
    ]
    assert limiter.counts().is_away


@pytest.mark.parametrize("url", ["postgresql://me:secret@host/db", "limits.db"])
def test_other_urls_are_refused_without_their_passwords(url: str) -> None:
    with pytest.raises(ConfigError, match="RAGSERVE_LIMITS_URL") as caught:
        open_store(url, ARGS)
    assert "secret" not in str(caught.value)


async def test_limits_stand_beside_the_database_by_default(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/control.db"
    limiter = open_limiter(ARGS, {"RAGSERVE_DATABASE_URL": url})
    assert limiter.budgets is not None
    async with limiter.running():
        await limiter.ask(Operation(moves=(Move("b", 1),)), lambda _: None)
    assert (tmp_path / "limits.db").exists()


async def test_budgets_stand_where_keys_do(tmp_path: Path) -> None:
    keys = f"sqlite:///{tmp_path}/keys/control.db"
    (tmp_path / "keys").mkdir()
    limiter = open_limiter(
        ARGS, {"RAGSERVE_DATABASE_URL": f"sqlite:///{tmp_path}/a.db"}, database=keys
    )
    async with limiter.running():
        await limiter.ask(Operation(moves=(Move("b", 1),)), lambda _: None)
    assert (tmp_path / "keys" / "limits.db").exists()
    assert limiter.budgets is not None


def test_without_a_database_there_are_no_budgets() -> None:
    assert open_limiter(ARGS, {}).budgets is None
