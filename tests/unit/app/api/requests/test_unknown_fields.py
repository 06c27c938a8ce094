"""Fields that nothing here knows: named in every answer, or refused where somebody wants that."""

import json
from typing import Any

import httpx
import pytest

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE

ASKED = {"role": "user", "content": "What is the capital of France?"}
CHAT: dict[str, Any] = {
    "model": "ragserve",
    "messages": [
        ASKED,
        {**ASKED, "mood": 1},
        {**ASKED, "content": [{"type": "text", "text": "x", "y": 1}]},
    ],
    "chat_id": "7",
    "reasoning_effort": "low",
    "ragserve": {"top_kk": 3},
}
IN_CHAT = [
    "messages.1.mood",
    "messages.2.content.0.y",
    "ragserve.top_kk",
    "chat_id",
    "reasoning_effort",
]
BODIES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("/v1/chat/completions", CHAT, IN_CHAT),
    ("/v1/completions", {"model": "ragserve:llm", "prompt": "x", "foo": 1}, ["foo"]),
    ("/v1/query", {"query": "capital", "top_kk": 1}, ["top_kk"]),
    ("/v1/search", {"query": "capital", "top_kk": 1}, ["top_kk"]),
    ("/v1/query/batch", {"queries": [{"query": "a"}, {"query": "b", "c": 1}]}, ["queries.1.c"]),
    ("/v1/embeddings", {"input": "a", "task": "x"}, ["task"]),
    (
        "/v1/rerank",
        {"query": "a", "documents": ["b"], "max_tokens_per_doc": 9},
        ["max_tokens_per_doc"],
    ),
]


@pytest.mark.parametrize(("path", "body", "names"), BODIES, ids=[one[0] for one in BODIES])
async def test_an_unknown_field_is_named(
    loaded: httpx.AsyncClient, path: str, body: dict[str, Any], names: list[str]
) -> None:
    answer = await loaded.post(path, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-ragserve-ignored"].split(", ") == names
    if "ragserve" in answer.json():
        assert answer.json()["ragserve"]["ignored"] == names


@pytest.mark.parametrize(("path", "body", "names"), BODIES, ids=[one[0] for one in BODIES])
async def test_a_strict_request_is_refused_by_name(
    loaded: httpx.AsyncClient, path: str, body: dict[str, Any], names: list[str]
) -> None:
    answer = await loaded.post(path, json=body, headers={"x-ragserve-strict": "1"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unsupported_field")
    assert [one["field"] for one in answer.json()["errors"]] == names
    assert names[0] in answer.json()["error"]["message"]


async def test_a_strict_gateway_refuses_unless_the_request_says_otherwise(
    stages: DoubleDirectory,
) -> None:
    args = GatewayArgs(strict=True)
    app = create_app(make_gateway(Releases(stages, lambda: LIVE), args), args)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        body = {"input": "a", "task": "x"}
        assert (await client.post("/v1/embeddings", json=body)).status_code == 400
        lenient = await client.post("/v1/embeddings", json=body, headers={"x-ragserve-strict": "0"})
        assert lenient.status_code == 200


async def test_nothing_is_named_where_all_is_known(loaded: httpx.AsyncClient) -> None:
    body = {"model": "ragserve", "messages": [ASKED], "store": True, "metadata": {"a": "b"}}
    assert (
        "x-ragserve-ignored" not in (await loaded.post("/v1/chat/completions", json=body)).headers
    )


async def test_a_name_cannot_end_the_header(loaded: httpx.AsyncClient) -> None:
    body = {"input": "a", "x\r\nset-cookie: a=b, c": 1, "ü" * 500: 2}
    answer = await loaded.post("/v1/embeddings", json=body)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert len(answer.headers["x-ragserve-ignored"]) < 600


@pytest.mark.parametrize(("path", "body"), [(one[0], one[1]) for one in BODIES])
async def test_a_name_that_is_no_text_is_refused(
    loaded: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    content = json.dumps({**body, "\udfff": 1}).encode()
    answer = await loaded.post(path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 422


async def test_what_is_written_is_never_tolerant(loaded: httpx.AsyncClient) -> None:
    """A misspelt key of a document would be lost without a word."""
    document = {"path": "a.md", "text": "b", "metdata": {"team": "x"}}
    answer = await loaded.post("/v1/documents", json={"documents": [document]})
    assert answer.status_code == 422
