"""The benchmark of the response cache over a gateway of doubles."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from app.api.application import create_app
from app.cache.response_cache import ResponseCache
from app.cache.stores.sqlite_store import SqliteStore
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.cache import ReleaseCache
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from benchmarks.cache_study.latency import NoCache, measure
from benchmarks.cache_study.staleness import look_for_stale_answers
from benchmarks.response_cache import cli
from tests.doubles import DoubleDirectory


@asynccontextmanager
async def running(folder: Path, cache: ReleaseCache) -> AsyncIterator[httpx.AsyncClient]:
    """A service that knows one document."""
    release = Release(
        retrieval="r", generator=("g",), min_relevance_score=0.1, rerank_weight=1.0, cache=cache
    )
    settings = GatewayLive(releases={"one": release}, traffic={"one": 1.0})
    kept = ResponseCache(SqliteStore(folder / "c.db", max_bytes=10**7, tenant_bytes=10**7))
    args = GatewayArgs()
    gateway = make_gateway(Releases(DoubleDirectory(), lambda: settings), args, cache=kept)
    transport = httpx.ASGITransport(create_app(gateway, args))
    async with (
        kept.running(),
        httpx.AsyncClient(transport=transport, base_url="http://t") as client,
    ):
        text = "A queue that is full is answered with status 503."
        document = {"id": "queue", "path": "queue.md", "text": text}
        await client.post("/v1/documents", json={"documents": [document]})
        yield client


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes longer than a service may wait."""
    monkeypatch.setattr("app.cache.response_cache._LOOKUP_S", 10.0)


QUESTIONS = ["Which status is answered where a queue is full?"]


async def test_each_way_is_timed(tmp_path: Path) -> None:
    async with running(tmp_path, ReleaseCache(answer=True)) as service:
        rows = await measure(service, QUESTIONS, clients=2, requests=4, rounds=2)
    assert [(row["way"], row["requests"]) for row in rows] == [
        ("bypass", 8),
        ("miss", 8),
        ("hit", 8),
    ]
    assert all(0 < row["p50_ms"] <= row["p99_ms"] for row in rows)


async def test_a_service_without_a_cache_is_told(tmp_path: Path) -> None:
    async with running(tmp_path, ReleaseCache()) as service:
        with pytest.raises(NoCache, match="answer: true"):
            await measure(service, QUESTIONS, clients=1, requests=1, rounds=1)


async def test_no_hit_is_older_than_a_write(tmp_path: Path) -> None:
    async with running(tmp_path, ReleaseCache(answer=True)) as service:
        found = await look_for_stale_answers(
            service, hits=30, clients=2, every_s=0.02, timeout_s=20
        )
    assert found["hits"] >= 30
    assert found["writes"] > 1
    assert found["stale"] == 0


async def test_an_old_hit_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def keep(*_: object) -> int:
        return 0

    monkeypatch.setattr(ResponseCache, "forget_documents", keep)
    async with running(tmp_path, ReleaseCache(answer=True, max_stale_s=60)) as service:
        found = await look_for_stale_answers(
            service, hits=300, clients=2, every_s=0.02, timeout_s=20
        )
    assert found["stale"] > 0


def test_its_help_says_what_it_does() -> None:
    shown = CliRunner().invoke(cli, ["--help"])
    assert shown.exit_code == 0
    assert "response cache" in shown.output
