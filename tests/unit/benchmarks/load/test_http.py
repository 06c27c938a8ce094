"""A real server on loopback gives scripted answers; each becomes the outcome it stands for."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from benchmarks.load.http import HttpTarget


class Server:
    """Echoes, refuses, fails, stalls or hangs up, by path."""

    def __init__(self) -> None:
        self.url = ""
        self.connections: set[object] = set()
        self.seen: list[tuple[bytes, str, str | None]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.connections.add(request.transport)
        body = await request.read()
        self.seen.append(
            (body, request.headers["content-type"], request.headers.get("authorization"))
        )
        path = request.path.removeprefix("/")
        if path.isdigit():
            return web.Response(status=int(path), text=f"status {path}")
        if path == "stalls":
            await asyncio.sleep(30)
        if path == "hangs-up":
            assert request.transport is not None
            request.transport.close()
        if path == "stream":
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(3):
                await response.write(b"data\n\n")
                await asyncio.sleep(0.02)
            return response
        return web.Response(body=body, content_type="application/problem+json")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    served = Server()
    app = web.Application()
    app.router.add_post("/{path}", served.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    served.url = f"http://127.0.0.1:{port}/"
    yield served
    await runner.cleanup()


@pytest.fixture
async def target(server: Server) -> AsyncIterator[HttpTarget]:
    async with HttpTarget(server.url, headers={"authorization": "Bearer k"}) as entered:
        yield entered


@pytest.mark.parametrize(
    ("path", "outcome", "detail"),
    [
        ("/200", "ok", ""),
        ("/201", "ok", ""),
        ("/429", "refused", "HTTP 429"),
        ("/503", "refused", "HTTP 503"),
        ("/404", "failed", "HTTP 404: status 404"),
        ("/500", "failed", "HTTP 500: status 500"),
        ("/hangs-up", "failed", "ServerDisconnectedError"),
        ("/stream", "ok", ""),
    ],
)
async def test_an_answer_becomes_its_outcome(
    path: str, outcome: str, detail: str, target: HttpTarget
) -> None:
    reply = await target.post(path, b"{}")
    assert reply.outcome == outcome
    assert reply.detail.startswith(detail)
    assert bool(reply.detail) == bool(detail)
    assert reply.body is None


async def test_no_answer_in_time_is_a_failure(server: Server) -> None:
    async with HttpTarget(server.url, timeout_s=0.1) as hurried:
        reply = await hurried.post("/stalls", b"{}")
    assert reply == ("failed", "no answer within 0.1 s", None)


async def test_a_body_is_sent_as_it_is_and_parsed_on_request(
    server: Server, target: HttpTarget
) -> None:
    reply = await target.post("/echo", b'{"a": [1]}', parse=True)
    assert reply.body == {"a": [1]}
    assert server.seen == [(b'{"a": [1]}', "application/json", "Bearer k")]


async def test_an_answer_that_is_no_json_is_a_failure_where_json_is_asked_for(
    target: HttpTarget,
) -> None:
    reply = await target.post("/200", b"{}", parse=True)
    assert reply.outcome == "failed"
    assert "JSONDecodeError" in reply.detail


async def test_connections_are_kept_and_as_many_as_the_load_needs(
    server: Server, target: HttpTarget
) -> None:
    await asyncio.gather(*(target.post("/stream", b"{}") for _ in range(120)))
    assert len(server.connections) == 120
    for _ in range(5):
        await target.post("/echo", b"{}")
    assert len(server.connections) == 120


async def test_nobody_listening_is_a_failure(server: Server, unused_tcp_port: int) -> None:
    async with HttpTarget(f"http://127.0.0.1:{unused_tcp_port}") as target:
        reply = await target.post("/echo", b"{}")
    assert reply.outcome == "failed"
    assert "ClientConnectorError" in reply.detail
