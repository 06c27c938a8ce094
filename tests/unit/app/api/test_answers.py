"""`/v1/query` and `/v1/search` over doubles."""

import json

import httpx
import pytest

from deployments.contracts.errors import (
    DeadlineExceeded,
    Overloaded,
    RagError,
    StageFailed,
    Unavailable,
)
from deployments.contracts.filters import MAX_CONDITIONS, MAX_DEPTH
from tests.doubles import DoubleDirectory


async def test_query_answers_with_the_right_source_first(loaded: httpx.AsyncClient) -> None:
    body = (await loaded.post("/v1/query", json={"query": "What is the capital of France?"})).json()
    assert body["grounded"]
    assert body["sources"][0]["path"] == "geo/paris.md"
    assert body["answer"] == "Paris is the capital of France. [1]"
    citation = body["citations"][0]
    assert body["answer"][citation["start"] : citation["end"]] == body["answer"]
    assert body["release"] == "one"
    assert set(body["timings"]["stages"]) == {
        "embedder",
        "retriever",
        "reranker",
        "generator",
    }


async def test_query_without_support_says_that_it_does_not_know(loaded: httpx.AsyncClient) -> None:
    body = (await loaded.post("/v1/query", json={"query": "Zebras eat grass"})).json()
    assert not body["grounded"]
    assert body["citations"] == []
    assert "no information" in body["answer"]


async def test_query_of_an_empty_index_is_an_answer(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/query", json={"query": "anything"})
    assert response.status_code == 200
    assert response.json()["grounded"] is False


async def test_search_filters_by_metadata(loaded: httpx.AsyncClient) -> None:
    asked = {"query": "capital", "filter": {"area": "asia"}}
    results = (await loaded.post("/v1/search", json=asked)).json()["results"]
    assert [one["path"] for one in results] == ["geo/tokyo.md"]
    assert results[0]["metadata"] == {"area": "asia"}


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"$or": [{"page": page} for page in range(MAX_CONDITIONS + 1)]}, "conditions"),
        (json.loads('{"$and":[' * MAX_DEPTH + '{"page":1}' + "]}" * MAX_DEPTH), "levels"),
    ],
    ids=["conditions", "levels"],
)
@pytest.mark.parametrize("path", ["/v1/search", "/v1/query", "/v1/chat/completions"])
async def test_a_filter_that_is_too_large_is_refused_before_a_stage_is_asked(
    loaded: httpx.AsyncClient, stages: DoubleDirectory, path: str, where: object, says: str
) -> None:
    body: dict[str, object] = {"query": "capital", "filter": where}
    if path.endswith("completions"):
        messages = [{"role": "user", "content": "capital"}]
        body = {"model": "ragserve", "messages": messages, "ragserve": {"filter": where}}
    asked = stages.retriever.calls + stages.embedder.calls
    response = await loaded.post(path, json=body)
    assert response.status_code in (400, 422)
    assert says in response.text
    assert stages.retriever.calls + stages.embedder.calls == asked


async def test_release_is_named_in_a_header(loaded: httpx.AsyncClient) -> None:
    response = await loaded.post("/v1/search", json={"query": "capital"})
    assert response.headers["x-ragserve-release"] == "one"


@pytest.mark.parametrize(
    "failure", [StageFailed("x"), Unavailable("x"), Overloaded("x")], ids=lambda one: one.code
)
async def test_rerank_failure_keeps_retrieval_order(
    loaded: httpx.AsyncClient, stages: DoubleDirectory, failure: RagError
) -> None:
    plain = (
        await loaded.post("/v1/search", json={"query": "capital of Japan", "rerank": False})
    ).json()
    stages.reranker.failure = failure
    body = (await loaded.post("/v1/query", json={"query": "capital of Japan"})).json()
    assert body["degraded"] == ["reranker"]
    assert [one["path"] for one in body["sources"]] == [one["path"] for one in plain["results"]]
    assert body["grounded"]


async def test_rerank_is_left_out_on_request(
    loaded: httpx.AsyncClient, stages: DoubleDirectory
) -> None:
    await loaded.post("/v1/search", json={"query": "capital", "rerank": False})
    assert stages.reranker.calls == 0


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (Overloaded("full", "embedder", 2.4), 503, "overloaded"),
        (Unavailable("gone", "embedder"), 503, "unavailable"),
        (DeadlineExceeded("late", "embedder"), 504, "deadline_exceeded"),
        (StageFailed("broken", "embedder"), 500, "internal"),
    ],
    ids=lambda value: str(getattr(value, "code", value)),
)
async def test_stage_errors_have_their_status(
    loaded: httpx.AsyncClient, stages: DoubleDirectory, failure: RagError, status: int, code: str
) -> None:
    stages.embedder.failure = failure
    response = await loaded.post("/v1/query", json={"query": "capital"})
    assert response.status_code == status
    assert response.json()["code"] == code
    assert response.headers.get("retry-after") == ("3" if code == "overloaded" else None)


async def test_top_n_above_top_k_is_refused(loaded: httpx.AsyncClient) -> None:
    response = await loaded.post("/v1/search", json={"query": "x", "top_k": 2, "top_n": 3})
    assert response.status_code == 422
    assert "top_n" in response.json()["detail"]
