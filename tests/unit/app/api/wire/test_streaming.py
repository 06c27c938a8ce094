"""Server-sent events: alive while nothing happens, closed when nobody listens."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from app.api.wire.streaming import KEEP_ALIVE, EventStream, encode_event, end_honestly, keep_alive
from app.request.scope import RequestScope
from deployments.contracts.errors import RagError, Unavailable

SCOPE = RequestScope("request", 100.0)


class Events:
    """Yields `a`, waits for `gate`, yields `b`, and raises `failure` if there is one."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.gate = asyncio.Event()
        self.failure = failure
        self.closed = False

    async def stream(self) -> AsyncGenerator[bytes, None]:
        try:
            yield b"a"
            await self.gate.wait()
            yield b"b"
            if self.failure is not None:
                raise self.failure
        finally:
            self.closed = True


def as_event(error: RagError) -> bytes:
    return f"{error.code}: {error}".encode()


async def test_a_silent_stream_is_kept_alive() -> None:
    events = Events()
    seen: list[bytes] = []
    async for event in keep_alive(events.stream(), 0.02):
        seen.append(event)
        if seen.count(KEEP_ALIVE) == 2:
            events.gate.set()
    assert seen == [b"a", KEEP_ALIVE, KEEP_ALIVE, b"b"]
    assert events.closed


async def test_closing_reaches_the_source_while_it_waits() -> None:
    events = Events()
    async with aclosing(keep_alive(events.stream(), 0.01)) as stream:
        assert [await anext(stream), await anext(stream)] == [b"a", KEEP_ALIVE]
    assert events.closed


async def test_a_failure_is_the_last_event() -> None:
    events = Events(Unavailable("gone"))
    events.gate.set()
    seen = [event async for event in end_honestly(events.stream(), SCOPE, as_event)]
    assert seen == [b"a", b"b", b"unavailable: gone"]


async def test_an_unplanned_failure_tells_nothing_of_itself() -> None:
    events = Events(KeyError("secret"))
    events.gate.set()
    *_, last = [event async for event in end_honestly(events.stream(), SCOPE, as_event)]
    assert last.startswith(b"internal: ")
    assert b"secret" not in last


async def test_a_client_that_leaves_frees_the_source() -> None:
    events = Events()
    response = EventStream(events.stream(), keep_alive_s=5.0, headers={"x-own": "1"})
    sent: list[bytes] = []
    has_sent = asyncio.Event()

    async def receive() -> dict[str, object]:
        await has_sent.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        if body := message.get("body"):
            sent.append(body)  # type: ignore[arg-type]
            has_sent.set()

    scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
    async with asyncio.timeout(2):
        await response(scope, receive, send)  # type: ignore[arg-type]
    assert sent == [b"a"]
    assert events.closed


@pytest.mark.parametrize("text", ["plain", "two\nlines", "data: x\n\n", "\u2028", "é🎉", "\ud800"])
def test_any_text_is_one_event(text: str) -> None:
    event = encode_event({"text": text}, "delta").decode()
    name, data, *rest = event.split("\n")
    assert (name, rest) == ("event: delta", ["", ""])
    assert json.loads(data.removeprefix("data: "))["text"] == text or text == "\ud800"
