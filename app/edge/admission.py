"""The admission gate: who comes in, how long a request may take, and what is told of it
when it has ended."""

import logging
import time
from collections.abc import Mapping
from typing import Any, cast, get_args

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.edge.body_limit import BoundedBody
from app.edge.disconnect import DisconnectWatch
from app.edge.limit import AdmissionLimit
from app.problems import problem_of
from app.request.notes import TraceWish
from app.request.scope import RequestScope
from app.request.trace_context import HEADER, trace_of
from app.request.waiting import waiting
from app.settings.gateway import GatewayArgs
from app.telemetry.requests import CLIENT_LEFT, FinishedRequest, Telemetry
from deployments.contracts.errors import Overloaded, RagError, StageFailed

SCOPE_KEY = "ragserve.request"
ID_HEADER = "x-request-id"
TRACE_WISH_HEADER = "x-ragserve-trace"
_TIMING_HEADER = "server-timing"
_UPLOAD_PATH = "/v1/documents"
_log = logging.getLogger("ray.serve")


class AdmissionGate:
    """Admits a request: bounds how many run and how large a body is, sets the deadline, stops the
    work when the client leaves, reports what became of it.

    Args:
        app: The application behind.
        args: The bounds.
        telemetry: Told of every request but health checks.
    """

    def __init__(self, app: ASGIApp, args: GatewayArgs, telemetry: Telemetry) -> None:
        self._app = app
        self._args = args
        self._telemetry = telemetry
        self._limit = AdmissionLimit(
            max_requests=args.max_concurrent_requests, target_wait_s=args.target_wait_s
        )
        _gates[:] = [self]

    @property
    def limit(self) -> AdmissionLimit:
        """How many requests are under way, and how many may be."""
        return self._limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application, or answers in its place."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = _Visit(scope, self._args.request_timeout_s)
        request = scope[SCOPE_KEY] = visit.request
        body = BoundedBody(receive, self._limit_bytes(scope["path"]))

        async def send_noted(message: Message) -> None:
            visit.note_start(message)
            await send(message)

        async def send_of_application(message: Message) -> None:
            if body.over is None or visit.status:  # what it made of half a body is not the answer
                await send_noted(message)

        async def answer(error: RagError) -> None:
            request.notes.error = error.code
            response = problem_of(error, request_id=request.request_id, instance=scope["path"])
            await response(scope, receive, send_noted)

        try:
            if self._limit.is_reached and not is_health(scope):
                raise too_many_requests()
            body.check_told_length(Headers(scope=scope).get("content-length", ""))
            presence = DisconnectWatch(body.receive, send_of_application)
            with self._limit.running(), waiting() as waited:
                await presence.run(self._app(scope, presence.receive, presence.send))
            if waited.calls:
                self._limit.observe(waited.total_s)
            if body.over is not None and not visit.status:
                raise body.over
        except Exception as error:
            if visit.status:
                raise
            await answer(_as_rag_error(error, request.request_id))
        finally:
            await request.end()
            if not is_health(scope):
                self._telemetry.finished(visit.finished())

    def note_refusal(self, scope: Scope, error: RagError, status: int) -> None:
        """Reports a request that was turned away before it came in."""
        visit = _Visit(scope, self._args.request_timeout_s)
        visit.status, visit.request.notes.error = status, error.code
        self._telemetry.finished(visit.finished())

    def _limit_bytes(self, path: str) -> int:
        if path.rstrip("/") == _UPLOAD_PATH:
            return self._args.max_upload_bytes
        return self._args.max_body_bytes


_gates: list[AdmissionGate] = []


def current_gate() -> AdmissionGate | None:
    """Returns the gate of this process's gateway, where it has one."""
    return _gates[0] if _gates else None


class _Visit:
    """A request between its first byte and its last one."""

    def __init__(self, scope: Scope, timeout_s: float) -> None:
        headers = Headers(scope=scope)
        self._scope = scope
        self._started_ns = time.time_ns()
        self._started_s = time.monotonic()
        self._trace = trace_of(headers.get(HEADER, ""))
        self.request = RequestScope(
            headers.get(ID_HEADER, ""), self._started_s + timeout_s, trace=self._trace
        )
        if (wish := headers.get(TRACE_WISH_HEADER, "")) in get_args(TraceWish):
            self.request.notes.trace_wish = cast(TraceWish, wish)
        self.status = 0

    def note_start(self, message: Message) -> None:
        """Adds to the beginning of an answer what is known then."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[_TIMING_HEADER] = self.request.notes.server_timing(self._took_ms())
            headers[HEADER] = self._trace.traceparent()

    def finished(self) -> FinishedRequest:
        """Returns all that is known at the end."""
        return FinishedRequest(
            request_id=self.request.request_id,
            kind="request",
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
    return bool(scope["path"].startswith("/health"))


def too_many_requests() -> Overloaded:
    """Returns what a request is told that finds the gate closed."""
    return Overloaded("The gateway has all it can work on; retry shortly.", "gateway", 1.0)


def _route_of(scope: Mapping[str, Any]) -> str:
    return str(getattr(scope.get("route"), "path", ""))


def _as_rag_error(error: Exception, request_id: str) -> RagError:
    if isinstance(error, RagError):
        return error
    _log.error("request %s failed", request_id, exc_info=error)
    return StageFailed("The service failed in a way that nobody planned for.", "gateway")
