"""A real server on loopback streams; the client keeps its times and counts."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from benchmarks.generation_study.client import StreamClient
from benchmarks.generation_study.workload import Load

_GAP_S = 0.01


class Server:
    """Streams as many tokens as it is asked for, except where the prompt says otherwise."""

    def __init__(self) -> None:
        self.url = ""
        self.prompts: list[str] = []
        self.running = self.most_running = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        content = asked["messages"][0]["content"]
        self.prompts.append(content)
        if content == "refuse":
            return web.Response(status=503, text="full")
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'data: {"delta":{"content":""}}\n\n')
        for _ in range(asked["max_tokens"]):
            await asyncio.sleep(_GAP_S)
            await response.write(b'data: {"delta":{"content":"x"}}\n\n')
        if content != "break off":
            usage = {"prompt_tokens": 5, "completion_tokens": asked["max_tokens"]}
            end = json.dumps({"usage": usage}, separators=(",", ":"))
            await response.write(f"data: {end}\n\ndata: [DONE]\n\n".encode())
        self.running -= 1
        return response


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    served = Server()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", served.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield served
    await runner.cleanup()


async def test_answer_has_times_and_counts(server: Server) -> None:
    async with StreamClient(server.url, "m", str) as client:
        run = await client.run(Load(1, 4), seconds=0.01)
    [answer] = run.answers
    assert (answer.prompt_tokens, answer.completion_tokens, answer.events) == (5, 4, 7)
    assert answer.first_text_s - answer.sent_s >= _GAP_S
    assert answer.ended_s - answer.first_text_s >= 3 * _GAP_S
    assert run.failures == []


async def test_what_has_begun_is_waited_for(server: Server) -> None:
    async with StreamClient(server.url, "m", str) as client:
        run = await client.run(Load(3, 20), seconds=0.01)
    assert [one.completion_tokens for one in run.answers] == [20, 20, 20]
    assert server.most_running == 3


async def test_every_request_asks_for_another_text(server: Server) -> None:
    async with StreamClient(server.url, "m", str) as client:
        await client.warm_up(2)
        await client.run(Load(2, 1), seconds=0.05)
    assert len(set(server.prompts)) == len(server.prompts) > 4


@pytest.mark.parametrize(
    ("content", "expected"), [("refuse", "HTTP 503: full"), ("break off", "broke off")]
)
async def test_failure_is_counted_apart(server: Server, content: str, expected: str) -> None:
    async with StreamClient(server.url, "m", lambda _: content) as client:
        run = await client.run(Load(1, 2), seconds=0.01)
    assert run.answers == []
    [failure] = run.failures
    assert expected in failure


async def test_warm_up_outlives_a_failure(server: Server) -> None:
    async with StreamClient(server.url, "m", lambda _: "refuse") as client:
        await client.warm_up(1)
    assert server.prompts == ["refuse"]
