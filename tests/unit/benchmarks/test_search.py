"""Searches under load, and documents that change meanwhile, against a small service of our own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
from aiohttp import web
from typer.testing import CliRunner, Result

from benchmarks import search
from benchmarks.search_study import replicas
from benchmarks.search_study.churn import Churn
from benchmarks.search_study.replicas import NoService, count_chunks
from benchmarks.search_study.searching import Load, Runs, figures, measure, search_body


class Service:
    """Documents in a dictionary. With `lag` a search sees the state before the last write."""

    def __init__(self, *, lag: bool = False, broken: str = "") -> None:
        self.texts: dict[str, str] = {}
        self._former: dict[str, str] = {}
        self._lag = lag
        self._broken = broken
        self.asked: list[dict[str, Any]] = []

    def _write(self) -> None:
        self._former = dict(self.texts)

    async def add(self, request: web.Request) -> web.Response:
        if self._broken == "add":
            return web.json_response({"code": "overloaded"}, status=503)
        [document] = (await request.json())["documents"]
        self._write()
        document_id = document["path"].replace("/", "_")
        self.texts[document_id] = document["text"]
        outcome = {"status": "added", "message": "", "document_id": document_id}
        return web.json_response({"outcomes": [outcome]})

    async def delete(self, request: web.Request) -> web.Response:
        self._write()
        del self.texts[request.match_info["id"]]
        return web.json_response({"deleted": True})

    async def find(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        if self._broken == "search":
            return web.json_response({}, status=500)
        seen = self._former if self._lag else self.texts
        results = [{"document_id": one, "text": text} for one, text in seen.items()]
        stage = {"total_ms": 4.0, "queue_ms": 1.0, "inference_ms": 2.0, "replica_ms": 3.0}
        timings = {"total_ms": 5.0, "stages": {"retriever": stage}}
        return web.json_response({"results": results, "timings": timings})

    async def page(self, request: web.Request) -> web.Response:
        if request.query.get("cursor") == "1":
            return web.json_response({"documents": [{"chunk_count": 5}], "next_cursor": None})
        return web.json_response({"documents": [{"chunk_count": 2}] * 3, "next_cursor": "1"})

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Runs it, and gives its address."""
        app = web.Application()
        app.router.add_post("/v1/documents", self.add)
        app.router.add_get("/v1/documents", self.page)
        app.router.add_delete("/v1/documents/{id}", self.delete)
        app.router.add_post("/v1/search", self.find)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        [address] = runner.addresses
        try:
            yield f"http://127.0.0.1:{address[1]}"
        finally:
            await runner.cleanup()


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(search.main)
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "400"})


async def churned(service: Service, *, seconds: float = 0.3) -> Churn:
    async with service.serve() as url:
        writer = Churn(url, ["What is a queue?", "Who drains it?"])
        stop = asyncio.Event()
        writing = asyncio.create_task(writer.run(stop))
        await asyncio.sleep(seconds)
        stop.set()
        await writing
    return writer


async def test_writes_that_are_seen_at_once_are_right() -> None:
    service = Service()
    writer = await churned(service)
    result = writer.result()
    assert writer.is_right
    assert result["added"] == result["changed"] == result["deleted"] > 0
    assert result["checks"] == 3 * result["added"]
    assert service.texts == {}
    assert {asked["mode"] for asked in service.asked} == {"hybrid", "dense", "lexical"}


async def test_a_service_that_lags_behind_is_found_out() -> None:
    writer = await churned(Service(lag=True))
    result = writer.result()
    assert not writer.is_right
    # The search after the addition misses the text, the one after the change finds the former one,
    # and the one after the deletion finds the document.
    assert result["unseen"] == 2 * result["added"]
    assert result["stale"] == 2 * result["added"]
    assert result["errors"] == 0


@pytest.mark.parametrize("broken", ["add", "search"])
async def test_errors_are_counted_and_named(broken: str) -> None:
    writer = await churned(Service(broken=broken))
    result = writer.result()
    assert not writer.is_right
    assert result["errors"] > 0
    assert "HTTP 50" in result["first_errors"][0]
    assert len(result["first_errors"]) <= 5


async def test_searches_of_others_find_no_deleted_document() -> None:
    writer = await churned(Service())
    gone, gone_s = next(iter(writer._gone_s.items()))
    hit = {"results": [{"document_id": gone}, {"document_id": "other"}]}
    writer.on_answer(gone_s - 0.1, hit)
    assert writer.is_right
    writer.on_answer(gone_s + 0.1, hit)
    assert writer.result()["stale"] == 1


async def test_figures_of_a_load_and_its_stages() -> None:
    service = Service()
    bodies = [search_body(text, mode="dense", top_k=30, top_n=10) for text in ("one", "two")]
    runs = Runs()
    async with service.serve() as url:
        sent = await measure(url, bodies, Load(2, 0.3, 0.1), runs, first=1)
    found = figures(runs, duration_s=0.3)
    assert sent == len(service.asked) > 4
    assert [asked["query"] for asked in service.asked[:2]] == ["two", "one"]
    assert service.asked[0] == {
        "query": "two",
        "mode": "dense",
        "top_k": 30,
        "top_n": 10,
        "rerank": False,
    }
    assert 0 < found["count"] <= sent
    assert found["failed"] == 0
    assert found["gateway"] == {"p50": 5.0, "p95": 5.0}
    assert found["stages"]["retriever"]["replica_ms"] == {"p50": 3.0, "p95": 3.0}
    assert len(runs.timings) < sent


def test_figures_of_nothing() -> None:
    found = figures(Runs([[]]), duration_s=1.0)
    assert (found["p95_ms"], found["gateway"], found["stages"]) == (None, None, {})


async def test_chunks_are_counted_page_by_page() -> None:
    async with Service().serve() as url:
        assert await asyncio.to_thread(count_chunks, url) == 11
    with pytest.raises(NoService):
        await asyncio.to_thread(count_chunks, url)


def test_memory_is_that_of_processes_with_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "_REPLICA", "pytest")
    monkeypatch.setattr(replicas, "_DEPLOYMENT", "pytest")
    found = replicas.retriever_memory_mb()
    assert found == sorted(found, reverse=True)
    assert found[0] > 10
    monkeypatch.setattr(replicas, "_DEPLOYMENT", "no process has such a name")
    assert replicas.retriever_memory_mb() == []


@pytest.mark.parametrize(("broken", "exit_code"), [("", 0), ("search", 1), ("add", 1)])
async def test_the_command_measures_and_checks(tmp_path: Path, broken: str, exit_code: int) -> None:
    output = tmp_path / "search.json"
    options = ["--mode", "hybrid", "--mode", "lexical", "--rounds", 1, "--duration", 0.5]
    async with Service(broken=broken).serve() as url:
        done = await asyncio.to_thread(
            run, "--url", url, *options, "--warmup", 0, "--churn", "--output", output
        )
    assert done.exit_code == exit_code, done.output
    results = json.loads(output.read_text())["results"]
    assert list(results["modes"]) == ["hybrid", "lexical"]
    assert results["chunks"] == 11
    assert "Searches in 11 chunks" in done.output


def test_what_cannot_be_measured_is_said(tmp_path: Path) -> None:
    far = run("--url", "http://example.com")
    assert far.exit_code == 2
    assert "is not this machine" in far.output
    missing = run("--queries", tmp_path / "nowhere.txt")
    assert missing.exit_code == 2
    silent = run("--url", "http://127.0.0.1:9")
    assert silent.exit_code == 1
    assert "could not be read" in silent.output
