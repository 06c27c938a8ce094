"""What the wire says of answers that are given again."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.application import create_app
from app.cache.response_cache import ResponseCache
from app.cache.stores.sqlite_store import SqliteStore
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.cache import ReleaseCache
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.telemetry.metrics import RequestMetrics
from app.telemetry.requests import Telemetry
from deployments.telemetry import catalog
from tests.doubles import DoubleDirectory
from tests.recording_meter import RecordingMeter
from tests.unit.app.conftest import LIVE

OPERATOR = {"authorization": "Bearer operators-key"}
ASKED = {"query": "What is the capital of France?"}
CHAT = {"model": "ragserve", "messages": [{"role": "user", "content": ASKED["query"]}]}


def live() -> GatewayLive:
    cache = ReleaseCache(answer=True, semantic="verified")
    releases = {
        name: release.model_copy(update={"cache": cache}) for name, release in LIVE.releases.items()
    }
    return LIVE.model_copy(update={"releases": releases})


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes longer than a service may wait."""
    monkeypatch.setattr("app.cache.response_cache._LOOKUP_S", 10.0)


@pytest.fixture
def meter() -> RecordingMeter:
    return RecordingMeter()


@pytest.fixture
async def client(
    stages: DoubleDirectory, args: GatewayArgs, meter: RecordingMeter, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    settings = live()
    cache = ResponseCache(SqliteStore(tmp_path / "c.db", max_bytes=10**7, tenant_bytes=10**7))
    telemetry = Telemetry([RequestMetrics(meter, lambda: settings.prices)])
    gateway = make_gateway(
        Releases(stages, lambda: settings),
        args,
        telemetry=telemetry,
        cache=cache,
        admin_key="operators-key",
    )
    transport = httpx.ASGITransport(create_app(gateway, args), raise_app_exceptions=False)
    async with (
        cache.running(),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client


def told(response: httpx.Response) -> str | None:
    assert response.status_code == 200, response.text
    return response.headers.get("x-ragserve-cache")


async def test_an_answer_that_is_given_again_has_the_same_form(loaded: httpx.AsyncClient) -> None:
    first = await loaded.post("/v1/query", json=ASKED)
    second = await loaded.post("/v1/query", json={"query": "what's the capital of france, please"})
    assert (told(first), told(second)) == ("miss", "hit")
    assert "age" not in first.headers
    assert second.headers["age"] == "0"
    fresh, again = first.json(), second.json()
    assert fresh.keys() == again.keys()
    same = ("answer", "citations", "sources", "release", "model", "prompt", "grounded", "degraded")
    assert {name: fresh[name] for name in same} == {name: again[name] for name in same}
    assert fresh["id"] != again["id"]
    assert again["usage"]["cached_tokens"] == again["usage"]["prompt_tokens"]
    assert again["usage"]["cost_usd"] == 0
    assert again["usage"]["completion_tokens"] == fresh["usage"]["completion_tokens"]


async def test_a_hit_says_why_it_is_one(loaded: httpx.AsyncClient, meter: RecordingMeter) -> None:
    asked = [
        {"query": "What is the capital of France?"},
        {"query": "what is the capital of France"},
        {"query": "Do you know what the capital of France is?"},
    ]
    answers = [await loaded.post("/v1/query", json=body) for body in asked[:2]]
    assert [one.headers.get("x-ragserve-cache-match") for one in answers] == [None, "exact"]
    unlike = await loaded.post("/v1/query", json=asked[2] | {"cache": {"min_similarity": 0.5}})
    assert unlike.status_code == 422, "no request makes it looser"
    again = await loaded.post("/v1/query", json=asked[2])
    assert told(again) == "hit"
    assert again.headers["x-ragserve-cache-match"] == "verified"
    assert again.json()["answer"] == answers[0].json()["answer"]
    found = meter.sums(catalog.CACHE_REQUESTS)
    counted = {(dict(tags)["outcome"], dict(tags)["match"]): n for tags, n in found.items()}
    assert counted == {("miss", ""): 1, ("hit", "exact"): 1, ("hit", "verified"): 1}


async def test_a_stream_of_it_is_one(loaded: httpx.AsyncClient) -> None:
    await loaded.post("/v1/query", json=ASKED)
    streamed = await loaded.post("/v1/query", json=ASKED | {"stream": True})
    assert told(streamed) == "hit"
    names = [line[7:] for line in streamed.text.splitlines() if line.startswith("event: ")]
    assert (names[0], names[-1]) == ("sources", "done")
    assert "delta" in names


async def test_every_form_shares_an_answer(loaded: httpx.AsyncClient) -> None:
    assert told(await loaded.post("/v1/query", json=ASKED)) == "miss"
    chat = await loaded.post("/v1/chat/completions", json=CHAT)
    assert told(chat) == "hit"
    details = chat.json()["usage"]["prompt_tokens_details"]
    assert details["cached_tokens"] == chat.json()["usage"]["prompt_tokens"]
    stream = CHAT | {"stream": True, "stream_options": {"include_usage": True}}
    streamed = await loaded.post("/v1/chat/completions", json=stream)
    assert told(streamed) == "hit"
    lines = [line for line in streamed.text.splitlines() if line]
    assert lines[-1] == "data: [DONE]"
    chunks = [json.loads(line[6:]) for line in lines[:-1]]
    text = "".join(
        chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"]
    )
    assert text == chat.json()["choices"][0]["message"]["content"]
    answer = {"model": "ragserve", "input": ASKED["query"]}
    assert told(await loaded.post("/v1/responses", json=answer)) == "hit"
    assert told(await loaded.post("/ask", json={"question": ASKED["query"]})) == "hit"


@pytest.mark.parametrize(
    ("headers", "body", "outcome", "is_kept"),
    [
        ({"cache-control": "no-store"}, {}, "bypass", False),
        ({"cache-control": "no-cache"}, {}, "miss", True),
        ({}, {"cache": {"use": False}}, "bypass", False),
        ({}, {"cache": {"use": True}}, "miss", True),
    ],
)
@pytest.mark.parametrize("path", ["/v1/query", "/v1/chat/completions", "/v1/responses"])
async def test_a_request_may_want_none_of_it(
    loaded: httpx.AsyncClient,
    path: str,
    headers: dict[str, str],
    body: dict[str, Any],
    outcome: str,
    is_kept: bool,
) -> None:
    forms: dict[str, dict[str, Any]] = {
        "/v1/query": ASKED,
        "/v1/chat/completions": CHAT,
        "/v1/responses": {"model": "ragserve", "input": ASKED["query"]},
    }
    asked = await loaded.post(path, json=forms[path] | body, headers=headers)
    assert told(asked) == outcome
    assert told(await loaded.post(path, json=forms[path])) == ("hit" if is_kept else "miss")


async def test_a_question_of_a_batch_may_want_none_of_it(
    loaded: httpx.AsyncClient, stages: DoubleDirectory
) -> None:
    await loaded.post("/v1/query", json=ASKED)
    before = len(stages.generation.asked)
    items = {"queries": [ASKED, ASKED | {"cache": {"use": False}}]}
    response = await loaded.post("/v1/query/batch", json=items)
    assert [item["problem"] for item in response.json()["results"]] == [None, None]
    assert len(stages.generation.asked) == before + 1


async def test_a_deleted_document_is_not_answered_from(loaded: httpx.AsyncClient) -> None:
    await loaded.post("/v1/query", json=ASKED)
    assert (await loaded.delete("/v1/documents/paris")).status_code == 200
    after = await loaded.post("/v1/query", json=ASKED)
    assert told(after) == "miss"
    assert "paris" not in [source["document_id"] for source in after.json()["sources"]]


@pytest.mark.parametrize(
    ("query", "gone"),
    [
        ({}, True),
        ({"user": "zoe"}, True),
        ({"document_id": "paris"}, True),
        ({"user": "other"}, False),
        ({"document_id": "never"}, False),
        ({"tenant": "acme"}, False),
    ],
)
async def test_an_operator_deletes_answers(
    loaded: httpx.AsyncClient, query: dict[str, str], gone: bool
) -> None:
    await loaded.post("/v1/query", json=ASKED | {"user": "zoe"})
    response = await loaded.delete("/admin/cache", params=query, headers=OPERATOR)
    assert response.status_code == 200, response.text
    assert response.json()["answers"] == int(gone)
    assert told(await loaded.post("/v1/query", json=ASKED)) == ("miss" if gone else "hit")


async def test_nobody_else_does(loaded: httpx.AsyncClient) -> None:
    assert (await loaded.delete("/admin/cache")).status_code == 401
    both = {"user": "zoe", "document_id": "paris"}
    response = await loaded.delete("/admin/cache", params=both, headers=OPERATOR)
    assert response.status_code == 422


async def test_a_search_says_nothing_of_it(loaded: httpx.AsyncClient) -> None:
    assert told(await loaded.post("/v1/search", json=ASKED)) is None


async def test_hits_and_misses_are_counted(
    loaded: httpx.AsyncClient, meter: RecordingMeter
) -> None:
    for _ in range(3):
        await loaded.post("/v1/query", json=ASKED)
    await loaded.post("/v1/query", json=ASKED, headers={"cache-control": "no-store"})
    found = meter.sums(catalog.CACHE_REQUESTS)
    assert {dict(tags)["outcome"]: value for tags, value in found.items()} == {
        "miss": 1,
        "hit": 2,
        "bypass": 1,
    }
