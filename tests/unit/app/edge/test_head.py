"""HEAD, as a server sees it that counts the bytes of what it sends."""

import asyncio
import socket

import uvicorn
from fastapi import FastAPI

from app.edge.head import HeadAsGet

BODY = b'{"text":"A note."}'


async def test_the_connection_is_good_for_the_next_request() -> None:
    app = FastAPI()

    @app.get("/note")
    async def note() -> dict[str, str]:
        return {"text": "A note."}

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(HeadAsGet(app), log_level="critical"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    try:
        for method in ("HEAD", "GET", "HEAD", "GET"):
            writer.write(f"{method} /note HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode()
            assert head.startswith("HTTP/1.1 200")
            assert f"content-length: {len(BODY)}" in head
            body = await reader.readexactly(len(BODY)) if method == "GET" else b""
            assert body == (BODY if method == "GET" else b"")
    finally:
        writer.close()
        server.should_exit = True
        await serving


async def test_the_route_is_known_afterwards() -> None:
    app = FastAPI()

    @app.get("/note")
    async def note() -> None: ...

    scope = {"type": "http", "method": "HEAD", "path": "/note", "headers": [], "query_string": b""}

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b""}

    async def send(message: object) -> None: ...

    await HeadAsGet(app)(scope, receive, send)  # type: ignore[arg-type]
    assert getattr(scope["route"], "path", "") == "/note"
    assert scope["method"] == "HEAD"
