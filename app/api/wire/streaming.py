"""Server-sent events: how they are written, kept alive, and ended when something breaks.

The status of a stream is decided before its first byte. What fails later can only be said inside:
as an event, and by the absence of the end that the client waits for.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Send

from app.request.scope import RequestScope
from deployments.contracts.errors import RagError, StageFailed

_log = logging.getLogger("ray.serve")
KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"


def event_stream_content(examples: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Returns OpenAPI's `content` of a streamed answer: schema and examples are those of one event.

    Args:
        examples: What events hold, by their name; None for plain messages.
    """
    event: dict[str, Any] = {"data": {"type": "string", "description": "JSON on one line."}}
    if examples:
        event["event"] = {"type": "string", "enum": list(examples)}
    content: dict[str, Any] = {
        "schema": {"type": "object", "properties": event, "required": list(event)}
    }
    if examples:
        content["examples"] = {
            name: {"value": {"event": name, "data": _line(data)}} for name, data in examples.items()
        }
    return {"text/event-stream": content}


def encode_event(data: object, event: str = "") -> bytes:
    """Returns one event, its data as JSON on one line; without a name it is a plain message."""
    name = f"event: {event}\n" if event else ""
    # Lone surrogates of a broken client are text to JSON, but not to UTF-8.
    return f"{name}data: {_line(data)}\n\n".encode("utf-8", "backslashreplace")


def _line(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


class EventStream(StreamingResponse):
    """A response of server-sent events; what it reads is closed as soon as the client goes away.

    Args:
        events: Encoded events.
        keep_alive_s: After so long without one, a comment is sent.
        headers: Beside those that keep caches and proxies from collecting it.
    """

    media_type = "text/event-stream"

    def __init__(
        self, events: AsyncGenerator[bytes, None], *, keep_alive_s: float, headers: dict[str, str]
    ) -> None:
        self._events = keep_alive(events, keep_alive_s)
        quiet = {"X-Accel-Buffering": "no"}
        super().__init__(self._events, headers=quiet | headers)

    async def stream_response(self, send: Send) -> None:
        """See `StreamingResponse`."""
        async with aclosing(self._events):
            await super().stream_response(send)


async def keep_alive(
    events: AsyncGenerator[bytes, None], every_s: float
) -> AsyncGenerator[bytes, None]:
    """Yields the events, and a comment whenever none came for `every_s`."""
    following: asyncio.Task[bytes] | None = None
    try:
        while True:
            if following is None:
                following = asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait([following], timeout=every_s)
            if not done:
                yield KEEP_ALIVE
                continue
            try:
                event = following.result()
            except StopAsyncIteration:
                return
            following = None
            yield event
    finally:
        if following is not None and not following.done():
            following.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await following
        await events.aclose()


async def end_honestly(
    events: AsyncGenerator[bytes, None],
    scope: RequestScope,
    as_event: Callable[[RagError], bytes],
) -> AsyncGenerator[bytes, None]:
    """Yields the events; a failure becomes the last one, and is all that says it."""
    async with aclosing(events):
        try:
            async for event in events:
                yield event
        except RagError as error:
            _log.warning("request %s: broken off: %s", scope.request_id, error)
            scope.notes.error = error.code
            yield as_event(error)
        except Exception as error:
            _log.error("request %s: stream failed", scope.request_id, exc_info=error)
            failed = StageFailed("The service failed in a way that nobody planned for.")
            scope.notes.error = failed.code
            yield as_event(failed)
