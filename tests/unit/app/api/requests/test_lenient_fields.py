"""What clients send without asking for anything: their books, nothing set, what we said."""

from typing import Any

import httpx
import pytest

ASKED = {"role": "user", "content": "What is the capital of France?"}


async def status_of(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> int:
    return (await client.post(path, json=body)).status_code


@pytest.mark.parametrize(
    "fields",
    [
        {"metadata": {"ticket": "7"}, "store": True, "service_tier": "auto"},
        {"safety_identifier": "u-1", "prompt_cache_key": "k", "reasoning_effort": "low"},
        {"tools": [], "tool_choice": "auto", "parallel_tool_calls": False, "functions": []},
        {"tools": None, "stream": None, "stop": None, "user": None, "modalities": ["text"]},
        {"presence_penalty": 0, "frequency_penalty": 0.0, "repetition_penalty": 1.0, "top_k": -1},
        {"never_heard_of": None},
    ],
)
async def test_a_field_that_asks_for_nothing_is_accepted(
    loaded: httpx.AsyncClient, fields: dict[str, Any]
) -> None:
    body = {"model": "ragserve", "messages": [ASKED], **fields}
    assert await status_of(loaded, "/v1/chat/completions", body) == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"input": "a", "encoding_format": None, "input_type": None}),
        ("/v1/rerank", {"query": "q", "documents": ["a"], "return_documents": None}),
        ("/v1/query", {"query": "What is the capital of France?", "stream": None, "queries": None}),
    ],
)
async def test_null_is_what_was_not_set(
    loaded: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    assert await status_of(loaded, path, body) == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"input": None}),
        ("/v1/chat/completions", {"model": "ragserve", "messages": None}),
    ],
)
async def test_what_is_needed_may_not_be_null(
    loaded: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    assert await status_of(loaded, path, body) == 422


async def test_an_answer_may_come_back_as_it_was_sent(loaded: httpx.AsyncClient) -> None:
    body: dict[str, Any] = {"model": "ragserve", "messages": [ASKED]}
    first = (await loaded.post("/v1/chat/completions", json=body)).json()["choices"][0]["message"]
    turns = [
        ASKED,
        first,
        {"role": "user", "name": "maria", "content": "And of Germany?"},
        {"role": "assistant", "content": None, "tool_calls": [], "reasoning_content": "hm"},
        {"role": "user", "content": [{"type": "text", "text": "Well?", "cache_control": {}}]},
    ]
    body["messages"] = turns
    assert await status_of(loaded, "/v1/chat/completions", body) == 200


async def test_tools_that_somebody_must_call_are_still_refused(loaded: httpx.AsyncClient) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    body = {"model": "ragserve", "messages": [ASKED], "tools": [tool]}
    assert await status_of(loaded, "/v1/chat/completions", body) == 400


async def test_one_model_of_the_list_can_be_looked_up(loaded: httpx.AsyncClient) -> None:
    for entry in (await loaded.get("/v1/models")).json()["data"]:
        found = await loaded.get(f"/v1/models/{entry['id']}")
        assert (found.status_code, found.json()) == (200, entry)
    unknown = await loaded.get("/v1/models/no-such/model")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "model_not_found")
    assert unknown.json()["error"]["param"] == "model"


@pytest.mark.parametrize("path", ["/health/live", "/v1/models", "/v1/documents", "/nowhere"])
async def test_head_is_get_without_its_body(loaded: httpx.AsyncClient, path: str) -> None:
    got, head = await loaded.get(path), await loaded.head(path)
    assert head.status_code == got.status_code
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.content == b""


async def test_head_of_what_only_post_has_is_refused(loaded: httpx.AsyncClient) -> None:
    assert (await loaded.head("/v1/query")).status_code == 405


@pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2], [3]]])
async def test_token_ids_are_refused_with_what_to_do(
    loaded: httpx.AsyncClient, tokens: list[Any]
) -> None:
    """Ids of another tokenizer would give wrong vectors without a word."""
    refused = await loaded.post("/v1/embeddings", json={"input": tokens})
    assert refused.status_code == 422
    assert "send texts" in refused.json()["error"]["message"]
    assert refused.json()["error"]["param"] == "input"


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank"])
async def test_reranking_has_the_paths_and_fields_of_coheres_clients(
    loaded: httpx.AsyncClient, path: str
) -> None:
    body = {
        "model": "ragserve",
        "query": "capital of France",
        "documents": [{"text": "Berlin", "id": 1}, {"text": "Paris, the capital of France"}],
        "top_n": 1,
        "max_tokens_per_doc": 4096,
        "rank_fields": ["text"],
    }
    answer = (await loaded.post(path, json=body)).json()
    assert [result["index"] for result in answer["results"]] == [1]
    assert answer["meta"]["api_version"] == {"version": "2"}
