"""The admission gate: who comes in, how long a request may take, and what is told of it when it has
ended."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.check import AccessCheck
from app.edge.body_limit import BodyBounds, BodyBudget, ClientLeft, RequestBody
from app.edge.disconnect import DisconnectWatch
from app.edge.foreground import Foreground
from app.edge.limit import AdmissionLimit, too_many_requests
from app.edge.once import IDEMPOTENCY_NAME, answer_once
from app.edge.origin import check_form, check_host
from app.edge.visit import Visit
from app.idempotency.requests import IdempotentRequests
from app.limits.limiter import Limiter
from app.request.waiting import waiting
from app.settings.gateway import GatewayArgs
from app.telemetry.requests import Telemetry
from deployments.contracts.errors import RagError, StageFailed

_UPLOAD_PATHS = ("/v1/documents", "/v1/files", "/v1/batches")
_BACKGROUND = (
    *(*_UPLOAD_PATHS, "/v1/usage", "/v1/drift", "/v1/audit", "/admin", "/v1/vector_stores"),
    *("/v1/conversations", "/v1/users", "/v1/ingestions", "/v1/feedback"),
)
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
        limiter: Counts what keys and tenants ask and spend; None where nobody does.
        idempotent: Remembers what was answered to requests that may be sent again; None where
            nothing is remembered.
    """

    def __init__(
        self,
        app: ASGIApp,
        args: GatewayArgs,
        telemetry: Telemetry,
        access: AccessCheck,
        limiter: Limiter | None = None,
        idempotent: IdempotentRequests | None = None,
    ) -> None:
        self._app = app
        self._args = args
        self._telemetry = telemetry
        self._access = access
        self._limiter = limiter
        self._idempotent = idempotent
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
        visit = Visit(scope, send, self._args)
        try:
            if is_health(scope):
                visit.begin()
                await self._app(scope, receive, visit.send)
            elif (background := visit.request.background) is not None:
                # The service asked itself: it takes no place from others, and says nothing of them.
                visit.identify(background.principal, self._access)
                await self._charge(visit)
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

    async def _admit(self, scope: Scope, receive: Receive, visit: Visit) -> None:
        headers = Headers(scope=scope)
        check_host(headers, self._args.allowed_hosts)
        check_form(scope["method"], headers, self._args.cors_origins)
        if self._limit.is_reached:
            raise too_many_requests()
        principal = await self._access.admit(scope["method"], scope["path"], headers)
        visit.identify(principal, self._access)
        body = RequestBody(receive, self._bounds(scope["path"]), self._budget)
        try:
            body.check_told_length(headers.get("content-length", ""))
            await body.read()
            await self._answer(scope, headers, body, visit)
        finally:
            body.release()

    async def _answer(
        self, scope: Scope, headers: Headers, body: RequestBody, visit: Visit
    ) -> None:
        async def work(receive: Receive, send: Send) -> None:
            await self._work(scope, receive, send, visit)

        if scope["method"] == "POST" and IDEMPOTENCY_NAME in headers:
            if self._idempotent is not None:
                request_id = visit.request.request_id
                await answer_once(
                    *(self._idempotent, scope, body, visit, work),
                    lambda error: _as_rag_error(error, request_id),
                )
                return
            visit.request.notes.ignored = (IDEMPOTENCY_NAME,)
        watch = DisconnectWatch(body.receive, visit.send)
        await watch.run(work(watch.receive, watch.send))

    async def _work(self, scope: Scope, receive: Receive, send: Send, visit: Visit) -> None:
        """Has the application answer, as one of the requests under way."""
        in_background = _is_background(scope["path"])
        waited_for = nullcontext() if in_background else self.foreground.running()
        tenant = visit.request.principal.tenant
        with self._limit.running(tenant) as permit, waiting() as waited, waited_for:
            # Whoever is turned away because the service is full has asked nothing yet.
            await self._charge(visit)
            visit.begin(permit.weigh)
            await self._app(scope, receive, send)
        if waited.calls and not in_background:
            # What is many requests in one waits for itself.
            self._limit.observe(waited.longest_s / permit.weight)

    async def _charge(self, visit: Visit) -> None:
        """Has a request counted, where anything bounds whoever sends it.

        Raises:
            LimitReached: it is one too many.
        """
        if self._limiter is None:
            return
        visit.charge = self._limiter.charge(visit.request.principal)
        if visit.charge is not None:
            await visit.charge.begin()

    def _end_later(self, scope: Scope, visit: Visit, work: "asyncio.Task[None]") -> None:
        def ended(_: object) -> None:
            ending = asyncio.create_task(self._end(scope, visit))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)

        work.add_done_callback(ended)

    async def _end(self, scope: Scope, visit: Visit) -> None:
        try:
            await visit.request.end()
        finally:
            visit.settle()
        if not is_health(scope):
            self._telemetry.finished(visit.finished())

    def note_refusal(self, scope: Scope, error: RagError, status: int) -> None:
        """Reports a request that was turned away before it came in."""
        visit = Visit(scope, _send_nothing, self._args)
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


def is_health(scope: Mapping[str, Any]) -> bool:
    """Returns whether a request only asks how the service is."""
    path = scope["path"]
    return bool(path.startswith("/health") or path == "/readyz")


def _is_background(path: str) -> bool:
    return path.startswith(_BACKGROUND) and not path.endswith(_FOREGROUND)


async def _send_nothing(_message: Message) -> None:
    """The way to a client that has been answered."""


def _as_rag_error(error: Exception, request_id: str) -> RagError:
    if isinstance(error, RagError):
        return error
    _log.error("request %s failed", request_id, exc_info=error)
    return StageFailed("The service failed in a way that nobody planned for.", "gateway")
