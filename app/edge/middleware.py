"""What happens to every request before the application sees it, as pure ASGI.

`edge_middlewares` is what Ray Serve itself is told to wrap around its HTTP servers: headers by
which a client could switch off or shorten Serve's own time limit must be gone before Serve reads
them, which is outside the application.
"""

import asyncio
import re
import uuid
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.edge.admission import current_gate, is_health
from app.edge.cors import readable_by
from app.edge.limit import too_many_requests
from app.edge.visit import ID_HEADER
from app.problems import problem_of

_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_SERVE_HEADERS = (
    "x-request-timeout-seconds",
    "x-request-disconnect-disabled",
    "serve_multiplexed_model_id",
    "serve-multiplexed-model-id",
)
_PRIVATE = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))
"""Answers are for one caller, and no browser guesses what they are."""
_TAKEN_IN_BYTES = 256 * 1024
_TAKEN_IN_S = 1.0


def edge_middlewares() -> list[Middleware]:
    """Returns the middlewares for Serve's own HTTP servers
    (`RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH`)."""
    return [Middleware(_edge)]


def _edge(app: ASGIApp) -> ASGIApp:
    """Returns both in one: Serve and Starlette disagree on which of several is the outer one."""
    return RequestIdentity(EarlyRefusal(app))


def accepted_id(given: str) -> str:
    """Returns the id of a request: the client's, where it is short and plain, else a new one."""
    return given if _ACCEPTABLE_ID.fullmatch(given) else uuid.uuid4().hex


class RequestIdentity:
    """Gives every request one id, keeps every answer private, and takes away the headers that
    steer Ray Serve.

    An id that the client sent is kept if it is short and plain; the answer carries it exactly once,
    although Serve adds its own copy.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application with a clean header list."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = MutableHeaders(scope=scope)
        for name in _SERVE_HEADERS:
            del headers[name]
        given = headers.get(ID_HEADER, "")
        request_id = accepted_id(given)
        if request_id != given:
            headers[ID_HEADER] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer[ID_HEADER] = request_id
                for name, value in _PRIVATE:
                    answer[name] = value
            await send(message)

        await self._app(scope, receive, send_with_id)


class EarlyRefusal:
    """Turns requests away before Serve sees them, while the gateway of this process has all it can
    work on: a refusal must cost next to nothing, or it takes the time of those who were admitted.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application, or refuses in its place."""
        gate = current_gate()
        closed = gate is not None and gate.limit.is_reached
        if gate is not None and closed and scope["type"] == "http" and not is_health(scope):
            request_id = Headers(scope=scope).get(ID_HEADER, "")
            error = too_many_requests()
            response = problem_of(error, request_id=request_id, instance=scope["path"])
            await _take_in(receive)
            # A page that may ask must be able to read when to come back.
            await readable_by(gate.cors_origins, response)(scope, receive, send)
            gate.note_refusal(scope, error, response.status_code)
        else:
            await self._app(scope, receive, send)


async def _take_in(receive: Receive) -> None:
    """Reads a small body to its end, if it comes at once: an answer to half a request costs the
    client its connection, and the next one a new one."""
    received_bytes = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_TAKEN_IN_S):
            while received_bytes <= _TAKEN_IN_BYTES:
                message = await receive()
                received_bytes += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
