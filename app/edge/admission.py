"""The admission gate: who comes in, how long a request may take, and what is told of it when it has
ended."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.edge.body_limit import BodyBounds, BodyBudget, ClientLeft, RequestBody
from app.edge.disconnect import DisconnectWatch
from app.edge.entrance import Entrance
from app.edge.foreground import Foreground
from app.edge.limit import AdmissionLimit
from app.edge.once import IDEMPOTENCY_NAME, answer_once
from app.edge.origin import check_form, check_host
from app.edge.visit import HttpVisit
from app.idempotency.requests import IdempotentRequests
from app.settings.cold.gateway import GatewayArgs
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
        entrance: What requests pass that come by other ways as well.
        idempotent: Remembers what was answered to requests that may be sent again; None where
            nothing is remembered.
    """

    def __init__(
        self,
        app: ASGIApp,
        args: GatewayArgs,
        entrance: Entrance,
        idempotent: IdempotentRequests | None = None,
    ) -> None:
        self._app = app
        self._args = args
        self._entrance = entrance
        self._idempotent = idempotent
        self._budget = BodyBudget(args.max_held_body_bytes)
        self._endings: set[asyncio.Task[None]] = set()
        _gates[:] = [self]

    @property
    def limit(self) -> AdmissionLimit:
        """How many requests are under way, and how many may be."""
        return self._entrance.limit

    @property
    def foreground(self) -> Foreground:
        """Those of them that somebody waits for."""
        return self._entrance.foreground

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """Pages that may use the API from a browser."""
        return self._args.cors_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application, or answers in its place."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = HttpVisit(scope, send, self._args)
        try:
            if is_health(scope):
                visit.begin()
                await self._app(scope, receive, visit.send)
            elif visit.request.background is not None:
                # The service asked itself: it takes no place from others, and says nothing of them.
                self._entrance.identify_background(visit)
                await self._entrance.charge(visit)
                visit.begin()
                await self._app(scope, receive, visit.send)
            else:
                await self._admit(scope, receive, visit)
        except ClientLeft:
            pass  # there is nobody to answer
        except Exception as error:
            if visit.status:
                raise
            await visit.answer(as_rag_error(error, visit.request.request_id), receive, visit.send)
        finally:
            if visit.detached is None or visit.detached.done():
                await self._end(scope, visit)
            else:
                self._end_later(scope, visit, visit.detached)

    async def _admit(self, scope: Scope, receive: Receive, visit: HttpVisit) -> None:
        headers = Headers(scope=scope)
        check_host(headers, self._args.allowed_hosts)
        check_form(scope["method"], headers, self._args.cors_origins)
        await self._entrance.identify(visit, headers)
        body = RequestBody(receive, self._bounds(scope["path"]), self._budget)
        try:
            body.check_told_length(headers.get("content-length", ""))
            await body.read()
            await self._answer(scope, headers, body, visit)
        finally:
            body.release()

    async def _answer(
        self, scope: Scope, headers: Headers, body: RequestBody, visit: HttpVisit
    ) -> None:
        async def work(receive: Receive, send: Send) -> None:
            await self._work(scope, receive, send, visit)

        if scope["method"] == "POST" and IDEMPOTENCY_NAME in headers:
            if self._idempotent is not None:
                request_id = visit.request.request_id
                await answer_once(
                    *(self._idempotent, scope, body, visit, work),
                    lambda error: as_rag_error(error, request_id),
                )
                return
            visit.request.notes.ignored = (IDEMPOTENCY_NAME,)
        watch = DisconnectWatch(body.receive, visit.send)
        await watch.run(work(watch.receive, watch.send))

    async def _work(self, scope: Scope, receive: Receive, send: Send, visit: HttpVisit) -> None:
        """Has the application answer, as one of the requests under way."""
        with self._entrance.running(visit, in_background=_is_background(visit.path)) as permit:
            # Whoever is turned away because the service is full has asked nothing yet.
            await self._entrance.charge(visit)
            visit.begin(permit.weigh)
            await self._app(scope, receive, send)

    def _end_later(self, scope: Scope, visit: HttpVisit, work: "asyncio.Task[None]") -> None:
        def ended(_: object) -> None:
            ending = asyncio.create_task(self._end(scope, visit))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)

        work.add_done_callback(ended)

    async def _end(self, scope: Scope, visit: HttpVisit) -> None:
        await self._entrance.end(visit, is_told=not is_health(scope))

    def note_refusal(self, scope: Scope, error: RagError, status: int) -> None:
        """Reports a request that was turned away before it came in."""
        visit = HttpVisit(scope, _send_nothing, self._args)
        visit.status, visit.request.notes.error = status, error.code
        self._entrance.note_refusal(visit)

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


def as_rag_error(error: Exception, request_id: str) -> RagError:
    """Returns what a client is told of a failure; what nobody planned for is in the log alone."""
    if isinstance(error, RagError):
        return error
    _log.error("request %s failed", request_id, exc_info=error)
    return StageFailed("The service failed in a way that nobody planned for.", "gateway")
