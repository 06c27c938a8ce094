"""The admission gate: who comes in, how long a request may take, and what is told of it when it has
ended."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, cast, get_args
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.check import AccessCheck
from app.edge.body_limit import BodyBounds, BodyBudget, ClientLeft, RequestBody, replay
from app.edge.disconnect import DisconnectWatch
from app.edge.foreground import Foreground
from app.edge.limit import AdmissionLimit, too_many_requests
from app.edge.origin import check_form, check_host
from app.idempotency.requests import HEADER as IDEMPOTENCY_HEADER
from app.idempotency.requests import Asked, IdempotentRequests
from app.problems import problem_of
from app.request.background import BACKGROUND_KEY, Background
from app.request.notes import TraceWish
from app.request.principal import Principal
from app.request.scope import RequestScope
from app.request.trace_context import HEADER, trace_of
from app.request.waiting import waiting
from app.settings.gateway import GatewayArgs
from app.telemetry.requests import CLIENT_LEFT, FinishedRequest, Telemetry
from deployments.contracts.errors import BodyTimedOut, RagError, StageFailed

SCOPE_KEY = "ragserve.request"
ID_HEADER = "x-request-id"
TRACE_WISH_HEADER = "x-ragserve-trace"
_TIMING_HEADER = "server-timing"
IGNORED_HEADER = "X-Ragserve-Ignored"
IDEMPOTENCY_NAME = "Idempotency-Key"
_ANSWER_HEADERS = ("content-type", "accept", "x-ragserve-release", "x-ragserve-strict")
"""What beside the body changes an answer."""
_MOST_IGNORED = 20
"""Fields that the header names; bodies name all."""
_MAX_NAME_CHARS = 64
_UPLOAD_PATHS = ("/v1/documents", "/v1/files", "/v1/batches")
_BACKGROUND = (*_UPLOAD_PATHS, "/v1/usage", "/v1/drift", "/admin", "/v1/vector_stores")
"""Nobody sits waiting for these: that they wait for a stage is no sign of overload."""
_FOREGROUND = "/search"
"""What of them somebody does wait for ends so."""
_log = logging.getLogger("ray.serve")


class AdmissionGate:
    """Admits a request: finds out who asks, bounds how many run and how large a body is and how
    long it takes to come, sets the deadline, stops the work when the client leaves, reports what
    became of it.

    Args:
        app: The application behind.
        args: The bounds.
        telemetry: Told of every request but health checks.
        access: Tells who asks, and whether they may.
        idempotent: Remembers what was answered to requests that may be sent again; None where
            nothing is remembered.
    """

    def __init__(
        self,
        app: ASGIApp,
        args: GatewayArgs,
        telemetry: Telemetry,
        access: AccessCheck,
        idempotent: IdempotentRequests | None = None,
    ) -> None:
        self._app = app
        self._idempotent = idempotent
        self._args = args
        self._telemetry = telemetry
        self._access = access
        self._limit = AdmissionLimit(
            max_requests=args.max_concurrent_requests, target_wait_s=args.target_wait_s
        )
        self._budget = BodyBudget(args.max_held_body_bytes)
        self._endings: set[asyncio.Task[None]] = set()
        self.foreground = Foreground()
        _gates[:] = [self]

    @property
    def limit(self) -> AdmissionLimit:
        """How many requests are under way, and how many may be."""
        return self._limit

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """Pages that may use the API from a browser."""
        return self._args.cors_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application, or answers in its place."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = _Visit(scope, send, self._args)
        try:
            if is_health(scope) or visit.request.background is not None:
                # The service asked itself: it takes no place from others, and says nothing of them.
                if (background := visit.request.background) is not None:
                    visit.identify(background.principal, self._access)
                visit.begin()
                await self._app(scope, receive, visit.send)
            else:
                await self._admit(scope, receive, visit)
        except ClientLeft:
            pass  # there is nobody to answer
        except Exception as error:
            if visit.status:
                raise
            await visit.answer(_as_rag_error(error, visit.request.request_id), receive, visit.send)
        finally:
            if visit.detached is None or visit.detached.done():
                await self._end(scope, visit)
            else:
                self._end_later(scope, visit, visit.detached)

    async def _admit(self, scope: Scope, receive: Receive, visit: "_Visit") -> None:
        headers = Headers(scope=scope)
        check_host(headers, self._args.allowed_hosts)
        check_form(scope["method"], headers, self._args.cors_origins)
        if self._limit.is_reached:
            raise too_many_requests()
        visit.identify(
            await self._access.admit(scope["method"], scope["path"], headers), self._access
        )
        body = RequestBody(receive, self._bounds(scope["path"]), self._budget)
        try:
            body.check_told_length(headers.get("content-length", ""))
            await body.read()
            if (key := headers.get(IDEMPOTENCY_HEADER)) is not None and scope["method"] == "POST":
                await self._answer_once(key, scope, headers, body, visit)
            else:
                watch = DisconnectWatch(body.receive, visit.send)
                await watch.run(self._work(scope, watch.receive, watch.send, visit))
        finally:
            body.release()

    async def _work(self, scope: Scope, receive: Receive, send: Send, visit: "_Visit") -> None:
        """Has the application answer, as one of the requests under way."""
        in_background = _is_background(scope["path"])
        waited_for = nullcontext() if in_background else self.foreground.running()
        with self._limit.running() as permit, waiting() as waited, waited_for:
            visit.begin(permit.weigh)
            await self._app(scope, receive, send)
        if waited.calls and not in_background:
            # What is many requests in one waits for itself.
            self._limit.observe(waited.longest_s / permit.weight)

    async def _answer_once(
        self, key: str, scope: Scope, headers: Headers, body: RequestBody, visit: "_Visit"
    ) -> None:
        """Answers a request that may be sent again: with what was answered before, or what is being
        answered to another one of the same key, or else with work that goes on without its
        client."""
        if self._idempotent is None:
            visit.request.notes.ignored = (IDEMPOTENCY_NAME,)
            watch = DisconnectWatch(body.receive, visit.send)
            await watch.run(self._work(scope, watch.receive, watch.send, visit))
            return
        messages = body.copy()

        async def work(send: Send) -> bool:
            return await self._answer_alone(scope, visit, replay(messages), send)

        content = b"\n".join(
            [
                *(headers.get(name, "").encode() for name in _ANSWER_HEADERS),
                *(message.get("body", b"") for message in messages),
            ]
        )
        place = f"{scope['method']} {scope['path']}"
        asked = Asked(visit.request.principal.tenant, key, place, content)
        reading = await self._idempotent.begin(asked, work)
        visit.detached = reading.work
        watch = DisconnectWatch(body.receive, visit.send)
        try:
            await watch.receive()
            await watch.run(reading.send(watch.send))
        finally:
            if reading.work is not None:
                self._idempotent.leave(reading)

    async def _answer_alone(
        self, scope: Scope, visit: "_Visit", receive: Receive, send: Send
    ) -> bool:
        """Answers into a record that others read; returns whether they may be given it later."""

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.status = message["status"]
            await send(message)

        try:
            await self._work(scope, receive, noted, visit)
        except Exception as error:
            if visit.status:
                raise
            request_id = visit.request.request_id
            await visit.answer(_as_rag_error(error, request_id), receive, noted)
        notes = visit.request.notes
        degraded = notes.attempt is not None and bool(notes.attempt.degraded)
        return not (visit.status < 400 and notes.error) and not degraded

    def _end_later(self, scope: Scope, visit: "_Visit", work: "asyncio.Task[None]") -> None:
        def ended(_: object) -> None:
            ending = asyncio.create_task(self._end(scope, visit))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)

        work.add_done_callback(ended)

    async def _end(self, scope: Scope, visit: "_Visit") -> None:
        await visit.request.end()
        if not is_health(scope):
            self._telemetry.finished(visit.finished())

    def note_refusal(self, scope: Scope, error: RagError, status: int) -> None:
        """Reports a request that was turned away before it came in."""
        visit = _Visit(scope, _send_nothing, self._args)
        visit.status, visit.request.notes.error = status, error.code
        self._telemetry.finished(visit.finished())

    def _bounds(self, path: str) -> BodyBounds:
        args = self._args
        upload = path.rstrip("/") in _UPLOAD_PATHS
        return BodyBounds(
            max_bytes=args.max_upload_bytes if upload else args.max_body_bytes,
            patience_s=args.body_patience_s,
            min_bytes_per_s=args.min_body_bytes_per_s,
        )


_gates: list[AdmissionGate] = []


def current_gate() -> AdmissionGate | None:
    """Returns the gate of this process's gateway, where it has one."""
    return _gates[0] if _gates else None


class _Visit:
    """A request between its first byte and its last one."""

    def __init__(self, scope: Scope, send: Send, args: GatewayArgs) -> None:
        headers = Headers(scope=scope)
        self._scope = scope
        self._send = send
        self._timeout_s = args.request_timeout_s
        self._started_ns = time.time_ns()
        self._started_s = time.monotonic()
        self._trace = trace_of(headers.get(HEADER, ""), adopts=args.trust_traceparent)
        background: Background | None = scope.get(BACKGROUND_KEY)
        self.request = RequestScope(
            headers.get(ID_HEADER, ""),
            self._started_s + self._timeout_s,
            trace=self._trace,
            background=background,
        )
        if background is not None:
            self.request.notes.trace_wish = background.trace_wish
        elif (wish := headers.get(TRACE_WISH_HEADER, "")) in get_args(TraceWish):
            self.request.notes.trace_wish = cast(TraceWish, wish)
        self.status = 0
        self.detached: asyncio.Task[None] | None = None

    def identify(self, principal: Principal, access: AccessCheck) -> None:
        """Notes who asks."""
        self.request = replace(self.request, principal=principal)
        notes = self.request.notes
        notes.tenant, notes.key_id = principal.tenant, principal.key_id
        notes.usage_key = access.usage_key(principal)

    def begin(self, weigh: Callable[[int], None] | None = None) -> None:
        """Gives the application its request, whose time begins now."""
        self.request = self.request.within(self._timeout_s).weighed_by(weigh)
        self._scope[SCOPE_KEY] = self.request

    async def send(self, message: Message) -> None:
        """Sends a message, with what is known when an answer begins."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[_TIMING_HEADER] = self.request.notes.server_timing(self._took_ms())
            headers[HEADER] = self._trace.traceparent()
            if ignored := self.request.notes.ignored:
                headers[IGNORED_HEADER] = _as_header(ignored)
        await self._send(message)

    async def answer(self, error: RagError, receive: Receive, send: Send) -> None:
        """Answers in place of the application."""
        request = self.request
        request.notes.error = error.code
        response = problem_of(error, request_id=request.request_id, instance=self._scope["path"])
        if isinstance(error, BodyTimedOut):
            # What may still come of the body must not be taken for another request.
            response.headers["connection"] = "close"
        await response(self._scope, receive, send)

    def finished(self) -> FinishedRequest:
        """Returns all that is known at the end."""
        return FinishedRequest(
            request_id=self.request.request_id,
            kind="request" if self.request.background is None else "line",
            trace=self._trace,
            method=self._scope["method"],
            route=_route_of(self._scope),
            status=self.status or CLIENT_LEFT,
            started_ns=self._started_ns,
            total_ms=self._took_ms(),
            notes=self.request.notes,
        )

    def _took_ms(self) -> float:
        return (time.monotonic() - self._started_s) * 1e3


def is_health(scope: Mapping[str, Any]) -> bool:
    """Returns whether a request only asks how the service is."""
    path = scope["path"]
    return bool(path.startswith("/health") or path == "/readyz")


def _as_header(fields: Sequence[str]) -> str:
    """Returns names that a client chose as a header: nothing in them ends it, or parts it."""
    return ", ".join(quote(name[:_MAX_NAME_CHARS], safe="") for name in fields[:_MOST_IGNORED])


def _is_background(path: str) -> bool:
    return path.startswith(_BACKGROUND) and not path.endswith(_FOREGROUND)


async def _send_nothing(_message: Message) -> None:
    """The way to a client that has been answered."""


def _route_of(scope: Mapping[str, Any]) -> str:
    return str(getattr(scope.get("route"), "path", ""))


def _as_rag_error(error: Exception, request_id: str) -> RagError:
    if isinstance(error, RagError):
        return error
    _log.error("request %s failed", request_id, exc_info=error)
    return StageFailed("The service failed in a way that nobody planned for.", "gateway")
