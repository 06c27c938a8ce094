"""What happens to every request before a route sees it, as pure ASGI.

`edge_middlewares` is what Ray Serve itself is told to wrap around its HTTP servers: headers by
which a client could switch off or shorten Serve's own time limit must be gone before Serve reads
them, which is outside the application.
"""

import json
import logging
import re
import time
import uuid
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.admission import AdmissionLimit, waiting
from app.config import GatewayArgs
from app.presence import ClientPresence
from app.problems import problem_of
from app.request_scope import RequestScope
from deployments.errors import Overloaded, RagError, RequestTooLarge, StageFailed

SCOPE_KEY = "ragserve.request"
_ID_HEADER = "x-request-id"
_TIMING_HEADER = "server-timing"
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_SERVE_HEADERS = (
    "x-request-timeout-seconds",
    "x-request-disconnect-disabled",
    "serve_multiplexed_model_id",
    "serve-multiplexed-model-id",
)
_TAKEN_IN_BYTES = 256 * 1024
_UPLOAD_PATH = "/v1/documents"
_log = logging.getLogger("ray.serve")


def edge_middlewares() -> list[Middleware]:
    """Returns the middlewares for Serve's own HTTP servers
    (`RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH`)."""
    return [Middleware(_edge)]


def _edge(app: ASGIApp) -> ASGIApp:
    """Returns both in one: Serve and Starlette disagree on which of several is the outer one."""
    return RequestIdentity(EarlyRefusal(app))


class RequestIdentity:
    """Gives every request one id, and takes away the headers that steer Ray Serve.

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
        request_id = headers.get(_ID_HEADER, "")
        if not _ACCEPTABLE_ID.fullmatch(request_id):
            request_id = uuid.uuid4().hex
            headers[_ID_HEADER] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[_ID_HEADER] = request_id
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
        full = any(limit.is_reached for limit in _limits)
        if full and scope["type"] == "http" and not _is_health(scope):
            request_id = Headers(scope=scope).get(_ID_HEADER, "")
            error = _too_many_requests()
            response = problem_of(error, request_id=request_id, instance=scope["path"])
            await _take_in(receive)
            await response(scope, receive, send)
            _write_access_line(scope, request_id, response.status_code, 0.0)
        else:
            await self._app(scope, receive, send)


class Door:
    """Admits a request: bounds how many run and how large a body is, sets the deadline, stops the
    work when the client leaves, writes the access line.

    Args:
        app: The application behind.
        args: The bounds.
    """

    def __init__(self, app: ASGIApp, args: GatewayArgs) -> None:
        self._app = app
        self._args = args
        self._limit = AdmissionLimit(
            max_requests=args.max_concurrent_requests, target_wait_s=args.target_wait_s
        )
        _limits[:] = [self._limit]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application, or answers in its place."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = time.monotonic()
        request = RequestScope(
            Headers(scope=scope).get(_ID_HEADER, ""), started_s + self._args.request_timeout_s
        )
        scope[SCOPE_KEY] = request
        body = _BoundedBody(receive, self._limit_bytes(scope["path"]))
        status = 0

        async def send_timed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                total_ms = (time.monotonic() - started_s) * 1e3
                timing = request.notes.server_timing(total_ms)
                MutableHeaders(scope=message)[_TIMING_HEADER] = timing
            await send(message)

        async def send_of_application(message: Message) -> None:
            if body.over is None or status:  # what it made of half a body is not the answer
                await send_timed(message)

        async def answer(error: RagError) -> None:
            response = problem_of(error, request_id=request.request_id, instance=scope["path"])
            await response(scope, receive, send_timed)

        try:
            if self._limit.is_reached and not _is_health(scope):
                raise _too_many_requests()
            body.check_told_length(Headers(scope=scope).get("content-length", ""))
            presence = ClientPresence(body.receive, send_of_application)
            with self._limit.running(), waiting() as waited:
                await presence.run(self._app(scope, presence.receive, presence.send))
            if waited.calls:
                self._limit.observe(waited.total_s)
            if body.over is not None and not status:
                raise body.over
        except Exception as error:
            if status:
                raise
            await answer(_as_rag_error(error, request.request_id))
        finally:
            if not _is_health(scope):
                _write_access_line(
                    scope,
                    request.request_id,
                    status,
                    time.monotonic() - started_s,
                    request.notes.fields(),
                )

    def _limit_bytes(self, path: str) -> int:
        if path.rstrip("/") == _UPLOAD_PATH:
            return self._args.max_upload_bytes
        return self._args.max_body_bytes


class _BoundedBody:
    """A request's body that stops at a bound, whether its length was told or must be counted."""

    def __init__(self, receive: Receive, limit_bytes: int) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._received_bytes = 0
        self.over: RequestTooLarge | None = None

    def check_told_length(self, told: str) -> None:
        """Raises RequestTooLarge before a byte is read, if the client said how much will come."""
        if told.isascii() and told.isdigit() and int(told[:18]) > self._limit_bytes:
            raise self._too_large()

    async def receive(self) -> Message:
        """Returns the next message; raises RequestTooLarge, and remembers that it did.

        Remembered, because a framework that reads the body takes the error for a broken body.
        """
        message = await self._receive()
        self._received_bytes += len(message.get("body", b""))
        if self._received_bytes > self._limit_bytes:
            self.over = self._too_large()
            raise self.over
        return message

    def _too_large(self) -> RequestTooLarge:
        return RequestTooLarge(f"The body is over the bound of {self._limit_bytes} bytes.")


_limits: list[AdmissionLimit] = []
"""The limit of this process's gateway, where it has one."""


async def _take_in(receive: Receive) -> None:
    """Reads a small body to its end: an answer to half a request costs the client its connection,
    and the next one a new one."""
    received_bytes = 0
    while received_bytes <= _TAKEN_IN_BYTES:
        message = await receive()
        received_bytes += len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def _is_health(scope: Scope) -> bool:
    return bool(scope["path"].startswith("/health"))


def _too_many_requests() -> Overloaded:
    return Overloaded("The gateway has all it can work on; retry shortly.", "gateway", 1.0)


def _as_rag_error(error: Exception, request_id: str) -> RagError:
    if isinstance(error, RagError):
        return error
    _log.error("request %s failed", request_id, exc_info=error)
    return StageFailed("The service failed in a way that nobody planned for.", "gateway")


def _write_access_line(
    scope: Mapping[str, object],
    request_id: str,
    status: int,
    took_s: float,
    known: Mapping[str, object] | None = None,
) -> None:
    line = {
        "event": "request",
        "method": scope["method"],
        "path": scope["path"],
        # 499: the client left before an answer began.
        "status": status or 499,
        "request_id": request_id,
        "total_ms": round(took_s * 1e3, 2),
        **(known or {}),
    }
    _log.info(json.dumps(line))
