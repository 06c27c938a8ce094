"""`/v1/query` with `stream: true`: typed events that say the same as the whole answer."""

import json
from typing import Any

import httpx

from deployments.contracts.errors import Unavailable
from tests.doubles import DoubleDirectory

ASKED = {"query": "What is the capital of France?"}


async def events_of(client: httpx.AsyncClient) -> list[tuple[str, Any]]:
    response = await client.post("/v1/query", json=ASKED | {"stream": True})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    blocks = [block.split("\n") for block in response.text.strip().split("\n\n")]
    return [
        (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for name, data in blocks
    ]


async def test_events_say_what_the_whole_answer_says(loaded: httpx.AsyncClient) -> None:
    whole = (await loaded.post("/v1/query", json=ASKED)).json()
    events = await events_of(loaded)
    assert [name for name, _ in events] == ["sources", "delta", "citation", "done"]
    sources, delta, citation, done = (data for _, data in events)
    assert sources["sources"] == whole["sources"]
    assert delta["text"] == done["answer"] == whole["answer"]
    assert [citation] == whole["citations"]
    assert done["usage"] == whole["usage"]
    assert set(done) == set(whole) - {"sources"}
    assert done["timings"]["stages"]["generator"]["total_ms"] > 0


async def test_a_failure_before_the_first_event_has_its_status(
    loaded: httpx.AsyncClient, stages: DoubleDirectory
) -> None:
    stages.generation.failure = Unavailable("gone", "generator", 1.0)
    response = await loaded.post("/v1/query", json=ASKED | {"stream": True})
    assert response.status_code == 503
    assert response.json()["code"] == "unavailable"


async def test_an_empty_index_streams_an_answer_too(client: httpx.AsyncClient) -> None:
    names = [name for name, _ in await events_of(client)]
    assert names == ["sources", "delta", "done"]
