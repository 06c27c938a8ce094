"""Requests that are sent again: the work is done once, and every answer is the same."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from deployments.contracts.errors import Overloaded
from tests.doubles import DoubleDirectory
from tests.unit.app.api.access.conftest import Closed
from tests.unit.app.conftest import LIVE

CHAT = {"model": "echo", "messages": [{"role": "user", "content": "What is Paris?"}]}
KEY = {"Idempotency-Key": "order-1"}


def answers_of(closed: Closed) -> int:
    """How often the model was asked."""
    return len(closed.stages.echo.engine.prompts)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
async def client(closed: Closed) -> Any:
    key = await closed.make_key(tenant="acme")
    async with closed.client(key["secret"]) as client:
        yield client


@pytest.mark.parametrize("stream", [False, True])
async def test_a_hundred_at_once_are_answered_by_one(
    closed: Closed, client: httpx.AsyncClient, stream: bool
) -> None:
    body = {**CHAT, "stream": stream}
    answers = await asyncio.gather(
        *(client.post("/v1/chat/completions", json=body, headers=KEY) for _ in range(100))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 99
    assert answers_of(closed) == 1
    later = await client.post("/v1/chat/completions", json=body, headers=KEY)
    assert later.content == answers[0].content
    assert later.headers["content-type"] == answers[0].headers["content-type"]
    assert answers_of(closed) == 1
    if stream:
        assert later.content.endswith(b"data: [DONE]\n\n")


async def test_another_replica_knows_the_answer(closed: Closed, client: httpx.AsyncClient) -> None:
    first = await client.post("/v1/chat/completions", json=CHAT, headers=KEY)
    other = closed.another_replica()
    async with closed.client(client.headers["authorization"].split()[1], app=other) as elsewhere:
        again = await elsewhere.post("/v1/chat/completions", json=CHAT, headers=KEY)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert answers_of(closed) == 1


async def test_a_replica_reads_along_what_another_one_writes(
    closed: Closed, client: httpx.AsyncClient
) -> None:
    other = closed.another_replica()
    gate = closed.stages.echo.engine.gate = asyncio.Event()
    first = asyncio.create_task(client.post("/v1/chat/completions", json=CHAT, headers=KEY))
    await until(lambda: closed.stages.echo.engine.running == 1)
    async with closed.client(client.headers["authorization"].split()[1], app=other) as elsewhere:
        reading = asyncio.create_task(
            elsewhere.post("/v1/chat/completions", json=CHAT, headers=KEY)
        )
        await asyncio.sleep(0.2)
        gate.set()
        again = await reading
    assert again.content == (await first).content
    assert answers_of(closed) == 1


async def test_something_else_under_the_same_key_is_refused(client: httpx.AsyncClient) -> None:
    await client.post("/v1/chat/completions", json=CHAT, headers=KEY)
    other = {**CHAT, "temperature": 0.5}
    answer = await client.post("/v1/chat/completions", json=other, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_is_of_its_tenant_and_its_path(
    closed: Closed, client: httpx.AsyncClient
) -> None:
    await client.post("/v1/chat/completions", json=CHAT, headers=KEY)
    elsewhere = await client.post(
        "/v1/completions", json={"model": "echo", "prompt": "Paris?"}, headers=KEY
    )
    assert elsewhere.status_code == 200
    assert "idempotent-replayed" not in elsewhere.headers
    stranger = await closed.make_key(tenant="default")
    async with closed.client(stranger["secret"]) as other:
        answer = await other.post("/v1/chat/completions", json=CHAT, headers=KEY)
    assert "idempotent-replayed" not in answer.headers
    assert answers_of(closed) == 3


async def test_what_failed_is_tried_again(closed: Closed, client: httpx.AsyncClient) -> None:
    closed.stages.echo.failure = Overloaded("Too much.", "generator", 1.0)
    failed = await client.post("/v1/chat/completions", json=CHAT, headers=KEY)
    assert failed.status_code == 503
    closed.stages.echo.failure = None
    again = await client.post("/v1/chat/completions", json=CHAT, headers=KEY)
    assert again.status_code == 200
    assert "idempotent-replayed" not in again.headers


async def test_a_body_that_was_wrong_can_be_mended(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/query", json={"query": ""}, headers=KEY)).status_code == 422
    answer = await client.post("/v1/query", json={"query": "Paris?"}, headers=KEY)
    assert answer.status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "é"])
async def test_what_is_no_key_is_refused(client: httpx.AsyncClient, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode())]
    answer = await client.post("/v1/query", json={"query": "Paris?"}, headers=headers)
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["detail"]


async def test_work_goes_on_when_its_client_leaves(
    closed: Closed, client: httpx.AsyncClient
) -> None:
    gate = closed.stages.echo.engine.gate = asyncio.Event()
    left = asyncio.create_task(client.post("/v1/chat/completions", json=CHAT, headers=KEY))
    await until(lambda: closed.stages.echo.engine.running == 1)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    assert closed.stages.echo.engine.running == 1
    asyncio.get_running_loop().call_later(0.1, gate.set)
    again = await client.post("/v1/chat/completions", json=CHAT, headers=KEY)
    assert again.headers["idempotent-replayed"] == "true"
    assert json.loads(again.content)["choices"]
    assert answers_of(closed) == 1


async def test_without_keys_of_its_own_a_service_says_that_it_remembers_nothing() -> None:
    args = GatewayArgs()
    app = create_app(make_gateway(Releases(DoubleDirectory(), lambda: LIVE), args), args)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post("/v1/query", json={"query": "Paris?"}, headers=KEY)
    assert answer.status_code == 200
    assert "Idempotency-Key" in answer.headers["x-ragserve-ignored"]
