"""What the access line and `Server-Timing` say of a request."""

import logging
from typing import Any

import httpx
import pytest

from deployments.contracts.errors import StageFailed
from tests.doubles import DoubleDirectory

QUERY = {"query": "A full queue is answered with which status?"}
CHAT = {
    "model": "ragserve",
    "messages": [{"role": "user", "content": "A full queue is answered with which status?"}],
}


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(one) for one in caplog.records if hasattr(one, "event")]


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="ray.serve")


async def test_an_answer_says_where_its_time_went(loaded: httpx.AsyncClient) -> None:
    response = await loaded.post("/v1/query", json=QUERY)
    stages = [one.split(";dur=")[0] for one in response.headers["server-timing"].split(", ")]
    assert stages == ["embedder", "retriever", "reranker", "generator", "total"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/health/live", 200), ("GET", "/nowhere", 404), ("POST", "/v1/query", 415)],
)
async def test_every_response_says_its_time(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert response.headers["server-timing"].startswith("total;dur=")


async def test_a_body_that_is_too_large_is_timed_too(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/query", content=b"x" * 30_000)
    assert response.status_code == 413
    assert response.headers["server-timing"].startswith("total;dur=")


async def test_the_access_line_says_who_answered_and_what_it_took(
    loaded: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "sk-very-secret"
    await loaded.post("/v1/query", json=QUERY, headers={"Authorization": f"Bearer {secret}"})
    line = lines(caplog)[-1]
    assert (line["http_route"], line["status"], line["release"]) == ("/v1/query", 200, "one")
    assert set(line["stages_ms"]) == {
        "embedder",
        "retriever",
        "reranker",
        "generator",
    }
    assert line["completion_tokens"] > 0
    assert line["model"] == "extractive"
    assert len(line["key"]) == 12
    assert "secret" not in caplog.text
    assert "which status" not in caplog.text


@pytest.mark.parametrize("body", [CHAT, CHAT | {"stream": True}, CHAT | {"model": "echo"}])
async def test_chats_are_noted_whole_streamed_and_alone(
    loaded: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, body: dict[str, object]
) -> None:
    response = await loaded.post("/v1/chat/completions", json=body)
    assert response.status_code == 200
    line = lines(caplog)[-1]
    assert line["completion_tokens"] > 0
    assert "generator" in line["stages_ms"]
    assert line.get("release") == (None if body["model"] == "echo" else "one")


async def test_a_failure_has_a_line_without_tokens(
    loaded: httpx.AsyncClient, stages: DoubleDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    stages.generation.failure = StageFailed("broken")
    await loaded.post("/v1/query", json=QUERY)
    line = lines(caplog)[-1]
    assert line["status"] == 500
    assert "completion_tokens" not in line


async def test_what_had_to_be_done_without_is_named(
    loaded: httpx.AsyncClient, stages: DoubleDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    stages.reranker.failure = StageFailed("broken")
    await loaded.post("/v1/query", json=QUERY)
    assert lines(caplog)[-1]["degraded"] == ["reranker"]
