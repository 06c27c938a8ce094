"""The response cache as a place of a tenant's receipt."""

from pathlib import Path

import pytest

from app.cache.entry import entry_of
from app.cache.response_cache import ResponseCache
from app.cache.stores.sqlite_store import SqliteStore
from app.operations.erase import erase_tenant
from deployments.contracts.erasure import ErasedPlace
from deployments.contracts.generation import Generation
from tests.unit.app.operations.test_erase import SCOPE

WRITTEN = Generation("Paris.", (), True, "stop", 3, 1, "m")


async def test_kept_answers_of_a_tenant_go(tmp_path: Path) -> None:
    cache = ResponseCache(SqliteStore(tmp_path / "c.db", max_bytes=10**6, tenant_bytes=10**6))
    entry = entry_of(WRITTEN, (), created_s=0.0, trace_id="")
    async with cache.running():
        for tenant in ("acme", "other"):
            cache.keep(tenant, "k", entry, documents=(), user="", ttl_s=60, begun_s=cache.now_s())
        places = await erase_tenant(
            "acme", {}, None, SCOPE, cache=lambda: cache.forget_tenant("acme")
        )
        assert places == [ErasedPlace("cache", {"cached_answers": 1})]
        assert await cache.find("acme", "k") is None
        assert await cache.find("other", "k") == entry


async def test_a_cache_that_is_away_is_told(tmp_path: Path) -> None:
    (tmp_path / "c.db").mkdir()
    cache = ResponseCache(SqliteStore(tmp_path / "c.db", max_bytes=10**6, tenant_bytes=10**6))
    async with cache.running():
        [place] = await erase_tenant(
            "acme", {}, None, SCOPE, cache=lambda: cache.forget_tenant("acme")
        )
    assert not place.is_done
    assert place.reason == "unavailable"


@pytest.mark.parametrize("value", [b"", b"{}", b"\xff", b'{"written": 3}'])
async def test_what_does_not_parse_is_a_miss_and_deleted(tmp_path: Path, value: bytes) -> None:
    from app.cache.stores.operations import Get, Put

    store = SqliteStore(tmp_path / "c.db", max_bytes=10**6, tenant_bytes=10**6)
    store.run([Put("acme", "k", value, (), 60.0, 0.0)])
    cache = ResponseCache(store)
    async with cache.running():
        assert await cache.find("acme", "k") is None
        assert await cache.find("acme", "k") is None
        assert store.run([Get("acme", "k")]) == [None]
