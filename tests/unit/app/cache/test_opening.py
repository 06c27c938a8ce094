"""From the environment to the store of answers."""

from pathlib import Path

import pytest

from app.cache.opening import cache_url, open_cache
from app.settings.cold.cache import CacheArgs
from deployments.contracts.errors import ConfigError


def test_a_file_lies_beside_a_database_that_is_one() -> None:
    assert (
        cache_url({"RAGSERVE_DATABASE_URL": "sqlite:////a/control.db"}) == "sqlite:////a/cache.db"
    )
    assert cache_url({}, database="sqlite:////b/control.db") == "sqlite:////b/cache.db"


def test_what_is_named_is_taken() -> None:
    named = {"RAGSERVE_CACHE_URL": "redis://host:6390/0", "RAGSERVE_DATABASE_URL": "sqlite:///a.db"}
    assert cache_url(named) == "redis://host:6390/0"


def test_there_is_none_without_a_place() -> None:
    assert cache_url({"RAGSERVE_DATABASE_URL": "postgresql://host/ragserve"}) == ""
    assert open_cache("", CacheArgs()) is None


def test_no_store_is_refused() -> None:
    with pytest.raises(ConfigError, match="RAGSERVE_CACHE_URL"):
        open_cache("memcached://host", CacheArgs())


async def test_a_file_is_opened(tmp_path: Path) -> None:
    cache = open_cache(f"sqlite:///{tmp_path / 'cache.db'}", CacheArgs())
    assert cache is not None
    async with cache.running():
        assert await cache.find("acme", "k") is None


async def test_a_redis_that_is_away_is_a_miss() -> None:
    cache = open_cache("redis://127.0.0.1:1/0", CacheArgs())
    assert cache is not None
    async with cache.running():
        assert await cache.find("acme", "k") is None


def test_a_share_holds_an_answer() -> None:
    with pytest.raises(ValueError, match="one answer would not fit"):
        CacheArgs(max_bytes=2**20, max_tenant_share=0.1)
