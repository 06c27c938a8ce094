"""Documents that are read after their request was answered."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from app.client.async_client import AsyncClient
from deployments.contracts.errors import Unavailable
from tests.unit.app.batches.conftest import Service

ASYNC = {"Prefer": "respond-async"}
GOOD = {"path": "towers.md", "text": "The tower of Pisa leans."}


async def begin(service: Service, *documents: object, key: str = "") -> httpx.Response:
    async with service.client(key) as client:
        return await client.post(
            "/v1/documents", json={"documents": list(documents)}, headers=ASYNC
        )


async def get(service: Service, path: str, key: str = "", status: int = 200) -> Any:
    async with service.client(key) as client:
        response = await client.get(path)
    assert response.status_code == status, response.text
    return response.json()


def has_ended(batch: Any) -> bool:
    return batch.status in ("completed", "expired", "cancelled")


async def run(service: Service, number: str) -> None:
    runner = service.runner()
    runner.begin()
    await service.until(number, has_ended)
    await runner.close()


async def test_documents_are_read_after_the_answer_each_with_its_reason(service: Service) -> None:
    begun = await begin(service, GOOD, {"path": "bad.md"}, {"path": "towers.md", "text": "Again."})
    assert begun.status_code == 202
    assert begun.headers["preference-applied"] == "respond-async"
    told = begun.json()
    number = told["id"]
    assert begun.headers["location"] == f"/v1/ingestions/{number}"
    assert (told["status"], told["counts"]) == ("in_progress", {"total": 3, "read": 0, "failed": 0})
    assert told["ended_at"] is None
    waiting = await get(service, f"/v1/ingestions/{number}/sources")
    assert {one["status"] for one in waiting["data"]} == {"waiting"}
    await run(service, number)
    ended = await get(service, f"/v1/ingestions/{number}")
    assert ended["status"] == "completed"
    assert ended["counts"] == {"total": 3, "read": 2, "failed": 1}
    assert ended["ended_at"] >= ended["created_at"]
    sources = (await get(service, f"/v1/ingestions/{number}/sources"))["data"]
    assert [one["name"] for one in sources] == ["towers.md", "bad.md", "towers.md"]
    assert {one["status"] for one in sources if one["number"] != 2} <= {"added", "updated"}
    assert sources[1]["status"] == "failed"
    assert "text" in sources[1]["message"]
    assert sources[0]["document_id"]
    assert sources[0]["chunk_count"] == 1
    found = await get(service, f"/v1/documents/{sources[0]['document_id']}")
    assert found["path"] == "towers.md"


async def test_files_keep_what_their_form_says(service: Service, tmp_path: Path) -> None:
    files = [("files", ("a.md", b"# A\n\nText of a.")), ("files", ("b.pdf", b"no PDF at all"))]
    async with service.client() as client:
        begun = await client.post(
            "/v1/documents", files=files, data={"metadata": '{"team": "x"}'}, headers=ASYNC
        )
    number = begun.json()["id"]
    await run(service, number)
    good, bad = (await get(service, f"/v1/ingestions/{number}/sources"))["data"]
    assert (good["status"], bad["status"]) == ("added", "failed")
    assert bad["message"]
    assert (await get(service, f"/v1/documents/{good['document_id']}"))["metadata"] == {"team": "x"}


async def test_a_file_of_records_is_one_source_of_several_documents(service: Service) -> None:
    lines = [{"text": "The first record."}, {"text": "The second one."}]
    content = "\n".join(json.dumps(line) for line in lines).encode()
    async with service.client() as client:
        begun = await client.post(
            "/v1/documents", files=[("files", ("notes.jsonl", content))], headers=ASYNC
        )
    number = begun.json()["id"]
    await run(service, number)
    [source] = (await get(service, f"/v1/ingestions/{number}/sources"))["data"]
    assert (source["status"], source["chunk_count"], source["document_id"]) == ("added", 2, "")


async def test_without_the_wish_the_answer_comes_as_ever(service: Service) -> None:
    async with service.client() as client:
        response = await client.post(
            "/v1/documents", json={"documents": [GOOD]}, headers={"Prefer": "wait=5"}
        )
    assert (response.status_code, response.json()["added"]) == (200, 1)


async def test_a_part_that_is_away_costs_a_document_nothing_but_time(service: Service) -> None:
    number = (await begin(service, GOOD)).json()["id"]
    indexer = service.stages.retrieval("minilm").indexer
    whole, calls = indexer.ingest_json, []

    async def fails_once(*args: Any, **named: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            raise Unavailable("Away.", "indexer", 0.0)
        return await whole(*args, **named)

    indexer.ingest_json = fails_once  # type: ignore[method-assign]
    await run(service, number)
    [source] = (await get(service, f"/v1/ingestions/{number}/sources"))["data"]
    assert (source["status"], len(calls)) == ("added", 2)


async def test_whatever_reads_them_may_be_killed(service: Service) -> None:
    number = (await begin(service, *({**GOOD, "path": f"{n}.md"} for n in range(6)))).json()["id"]
    killed = service.runner("killed")
    await killed.exchange()  # it has taken all of them, and says nothing any more
    runner = service.runner("other")
    runner.begin()
    await service.until(number, has_ended, within_s=20)
    await runner.close()
    sources = (await get(service, f"/v1/ingestions/{number}/sources"))["data"]
    assert [one["status"] for one in sources] == ["added"] * 6


async def test_a_cancelled_one_keeps_what_was_read(service: Service) -> None:
    number = (await begin(service, GOOD)).json()["id"]
    async with service.client() as client:
        response = await client.post(f"/v1/ingestions/{number}/cancel")
        again = await client.post(f"/v1/ingestions/{number}/cancel")
    assert (response.json()["status"], again.status_code) == ("cancelled", 409)
    [source] = (await get(service, f"/v1/ingestions/{number}/sources"))["data"]
    assert source["status"] == "cancelled"


async def test_events_tell_each_document_once_and_the_end(service: Service) -> None:
    number = (await begin(service, GOOD, {"path": "bad.md"})).json()["id"]
    events: list[tuple[str, Any]] = []

    async def listen() -> None:
        async with service.client() as client:
            told = await client.get(f"/v1/ingestions/{number}/events")
        assert told.headers["content-type"].startswith("text/event-stream")
        for event in told.text.strip().split("\n\n"):
            if event.startswith("event: "):
                name, data = event.split("\n", 1)
                events.append((name[7:], json.loads(data.removeprefix("data: "))))

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.1)
    await run(service, number)
    await asyncio.wait_for(listening, 10)
    sources = [data for name, data in events if name == "source"]
    assert sorted(one["number"] for one in sources) == [1, 2]
    assert events[0][0] == "progress"
    name, last = events[-1]
    assert (name, last["counts"]) == ("end", {"total": 2, "read": 1, "failed": 1})


async def test_each_caller_has_his_own(service: Service) -> None:
    number = (await begin(service, GOOD, key="sk-alice")).json()["id"]
    assert (await get(service, "/v1/ingestions", "sk-bob"))["data"] == []
    mine = await get(service, "/v1/ingestions", "sk-alice")
    assert ([one["id"] for one in mine["data"]], mine["has_more"]) == ([number], False)
    for path in ("", "/sources", "/events"):
        await get(service, f"/v1/ingestions/{number}{path}", "sk-bob", status=404)


async def test_batches_of_requests_are_something_else(service: Service) -> None:
    number = (await begin(service, GOOD)).json()["id"]
    assert (await get(service, "/v1/batches"))["data"] == []
    await get(service, f"/v1/batches/{number}", status=404)
    await get(service, "/v1/ingestions/batch_5d1f0c2a9b7e4c3d8f6a1b2c", status=404)
    assert (await get(service, "/v1/files?purpose=batch"))["data"] == []


async def test_a_body_that_cannot_be_read_is_refused_at_once(service: Service) -> None:
    async with service.client() as client:
        torn = await client.post(
            "/v1/documents",
            content=b"{",
            headers={**ASYNC, "content-type": "application/json"},
        )
        strange = await client.post(
            "/v1/documents", content=b"x", headers={**ASYNC, "content-type": "text/csv"}
        )
    assert (torn.status_code, strange.status_code) == (400, 415)
    assert (await get(service, "/v1/ingestions"))["data"] == []


async def test_the_client_begins_waits_and_reads_the_reasons(service: Service) -> None:
    transport = httpx.ASGITransport(service.app)
    http = httpx.AsyncClient(transport=transport, base_url="http://test")
    runner = service.runner()
    async with AsyncClient("http://test", http_client=http) as client:
        texts = await client.ingestions.begin_documents(
            ["A plain text.", {"text": "Told.", "id": "?"}]
        )
        files = await client.ingestions.begin_files(
            [("a.md", b"# A\n\nOne.")], metadata={"team": "x"}
        )
        runner.begin()
        told: list[int] = []
        ended = await client.ingestions.wait(
            texts.id, on_progress=lambda now: told.append(now.counts.read), poll_s=0.05
        )
        await client.ingestions.wait(files.id, poll_s=0.05)
        await runner.close()
        assert (ended.counts.read, ended.counts.failed, told[-1]) == (1, 1, 1)
        reasons = [one.message async for one in client.ingestions.sources(texts.id)]
        assert reasons[0] == ""
        assert reasons[1]
        assert [one.id async for one in client.ingestions.list()] == [files.id, texts.id]
        [name] = [one.name async for one in client.ingestions.sources(files.id)]
        assert name == "a.md"
    await http.aclose()
