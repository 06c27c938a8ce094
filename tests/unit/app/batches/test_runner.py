"""Lines are answered as requests are, in the background, and none is lost or told twice."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx

from deployments.batches.contract import WorkReport
from deployments.contracts.errors import Overloaded, StageFailed
from tests.unit.app.batches.conftest import CALL, Service

QUESTION = "What is the capital of France?"


async def begin(
    service: Service, *bodies: dict[str, Any], url: str = "/v1/query", key: str = ""
) -> str:
    """Begins a batch of these requests, and returns its id."""
    lines = [
        json.dumps({"custom_id": f"c{place}", "method": "POST", "url": url, "body": body})
        for place, body in enumerate(bodies)
    ]
    async with service.client(key) as client:
        response = await client.post(
            "/v1/batches",
            content="\n".join(lines),
            headers={"content-type": "application/jsonl"},
        )
    assert response.status_code == 200, response.text
    assert response.json()["status"] == "in_progress", response.text
    return str(response.json()["id"])


async def read(service: Service, file_id: str | None, key: str = "") -> list[dict[str, Any]]:
    async with service.client(key) as client:
        response = await client.get(f"/v1/files/{file_id}/content")
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.split("\n")[:-1]]


async def until(holds: Callable[[], bool]) -> None:
    """Waits until it is so."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def has_ended(batch: Any) -> bool:
    return batch.status in ("completed", "expired", "cancelled")


async def test_each_line_has_the_answer_of_a_request_or_its_problem(service: Service) -> None:
    good = {"query": QUESTION}
    batch_id = await begin(service, good, {"query": ""}, good, {"query": QUESTION, "stream": True})
    runner = service.runner()
    runner.begin()
    batch = await service.until(batch_id, has_ended)
    await runner.close()
    assert (batch.completed, batch.failed, batch.total) == (2, 2, 4)
    answers, problems = [
        await read(service, id) for id in (batch.output_file_id, batch.error_file_id)
    ]
    assert [line["custom_id"] for line in answers] == ["c0", "c2"]
    response = answers[0]["response"]
    assert response["status_code"] == 200
    assert "Paris" in response["body"]["answer"]
    assert response["body"]["request_id"] == response["request_id"] == answers[0]["id"]
    assert answers[0]["error"] is None
    assert [line["response"]["status_code"] for line in problems] == [422, 400]
    assert problems[0]["response"]["body"]["code"] == "invalid_request"
    assert problems[1]["response"]["body"]["errors"][0]["field"] == "stream"


async def test_lines_are_reported_as_such_and_of_their_caller(service: Service) -> None:
    batch_id = await begin(service, {"query": QUESTION}, key="sk-alice")
    async with service.client("sk-alice") as client:
        await client.post("/v1/query", json={"query": QUESTION})
    runner = service.runner()
    runner.begin()
    await service.until(batch_id, has_ended)
    await runner.close()
    heard = [one for one in service.listener.heard if one.route == "/v1/query"]
    by_hand, line = heard
    assert (by_hand.kind, line.kind) == ("request", "line")
    assert by_hand.notes.key_id == line.notes.key_id != ""
    assert line.notes.usage_key == by_hand.notes.usage_key
    assert line.notes.release == by_hand.notes.release


async def test_stages_hear_that_nobody_waits_for_a_line(service: Service) -> None:
    heard: list[bool] = []
    embedder = service.stages.embedder
    embed = embedder.embed

    async def noting(*args: Any, call: Any, **options: Any) -> Any:
        heard.append(call.background)
        return await embed(*args, call=call, **options)

    embedder.embed = noting  # type: ignore[method-assign]
    batch_id = await begin(service, {"query": QUESTION})
    runner = service.runner()
    runner.begin()
    await service.until(batch_id, has_ended)
    await runner.close()
    async with service.client() as client:
        await client.post("/v1/query", json={"query": QUESTION})
    assert heard == [True, False]


async def test_no_header_makes_a_request_one_of_the_background(service: Service) -> None:
    async with service.client() as client:
        headers = {"ragserve.background": "1", "x-ragserve-background": "1"}
        await client.post("/v1/query", json={"query": QUESTION}, headers=headers)
    assert [one.kind for one in service.listener.heard] == ["request"]


async def test_too_much_at_this_moment_is_no_result(service: Service) -> None:
    service.stages.embedder.failure = Overloaded("Too much.", "embedder", 0.1)
    batch_id = await begin(service, {"query": QUESTION})
    runner = service.runner()
    runner.begin()
    await until(lambda: service.stages.embedder.calls > 0)
    service.stages.embedder.failure = None
    batch = await service.until(batch_id, has_ended)
    await runner.close()
    assert (batch.completed, batch.failed) == (1, 0)


async def test_other_failures_are_its_result(service: Service) -> None:
    service.stages.embedder.failure = StageFailed("It broke.", "embedder")
    batch_id = await begin(service, {"query": QUESTION})
    runner = service.runner()
    runner.begin()
    batch = await service.until(batch_id, has_ended)
    await runner.close()
    [line] = await read(service, batch.error_file_id)
    assert line["response"]["status_code"] == 500
    assert line["response"]["body"]["code"] == "internal"


async def test_results_wait_while_the_keeper_is_away(service: Service) -> None:
    batch_id = await begin(service, *[{"query": QUESTION}] * 6)
    runner = service.runner()
    await runner.exchange()
    service.keeper.away = True
    runner.begin()
    await until(lambda: sum(one.kind == "line" for one in service.listener.heard) == 6)
    assert (await service.until(batch_id, lambda _: True)).completed == 0
    service.keeper.away = False
    assert (await service.until(batch_id, has_ended)).completed == 6
    await runner.close()
    assert sum(one.kind == "line" for one in service.listener.heard) == 6


async def test_who_stops_leaves_its_lines_to_others_at_once(service: Service) -> None:
    service.stages.embedder.holds = asyncio.Event()
    batch_id = await begin(service, *[{"query": QUESTION}] * 4)
    first = service.runner("first")
    first.begin()
    async with asyncio.timeout(5):
        await service.stages.embedder.entered.wait()
    await first.close()
    work = await service.keeper.exchange(WorkReport("second", wants=9), call=CALL)
    assert {line.key.batch_id for line in work.lines} == {batch_id}
    assert [line.custom_id for line in work.lines] == ["c0", "c1", "c2", "c3"]


async def test_what_a_killed_replica_had_is_answered_by_another(service: Service) -> None:
    batch_id = await begin(service, *[{"query": QUESTION}] * 4)
    killed = service.runner("killed")
    await killed.exchange()  # it has all lines, and is never heard of again
    other = service.runner("other")
    other.begin()
    batch = await service.until(batch_id, has_ended)
    await other.close()
    assert batch.completed == 4
    lines = await read(service, batch.output_file_id)
    assert [line["custom_id"] for line in lines] == ["c0", "c1", "c2", "c3"]


async def test_lines_stand_back_for_requests_and_trickle(service: Service) -> None:
    batch_id = await begin(service, *[{"query": QUESTION}] * 4)
    embedder = service.stages.embedder
    held = embedder.holds = asyncio.Event()
    runner = service.runner(trickle_s=60)
    runner._begun_s = asyncio.get_running_loop().time()
    async with service.client() as client:
        waits = asyncio.create_task(client.post("/v1/query", json={"query": QUESTION}))
        await embedder.entered.wait()
        embedder.holds = None
        runner.begin()
        await asyncio.sleep(0.3)
        assert not [one for one in service.listener.heard if one.kind == "line"]
        held.set()
        await waits
    await service.until(batch_id, has_ended)
    await runner.close()


async def test_a_line_takes_no_place_at_the_door(service: Service) -> None:
    """Four requests are the bound here, and all of them are under way."""
    embedder = service.stages.embedder
    held = embedder.holds = asyncio.Event()
    batch_id = await begin(service, {"query": QUESTION}, url="/v1/query")
    async with service.client() as client:
        waiting = [
            asyncio.create_task(client.post("/v1/query", json={"query": QUESTION}))
            for _ in range(4)
        ]
        await until(lambda: embedder.calls == 4)
        refused: httpx.Response = await client.post("/v1/query", json={"query": QUESTION})
        assert refused.status_code == 503
        embedder.holds = None
        runner = service.runner(trickle_s=0.01)
        runner.begin()
        batch = await service.until(batch_id, has_ended)
        await runner.close()
        assert batch.completed == 1
        held.set()
        assert {(await one).status_code for one in waiting} == {200}
