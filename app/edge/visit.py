"""What is known of a request between its first byte and its last one, and what its answer says of
it."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast, get_args
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from app.access.check import AccessCheck
from app.limits.charge import RequestCharge
from app.problems import problem_of
from app.request.background import BACKGROUND_KEY, Background
from app.request.caching import wish_of
from app.request.notes import TraceWish
from app.request.principal import Principal
from app.request.scope import RequestScope
from app.request.trace_context import HEADER, trace_of
from app.settings.cold.gateway import GatewayArgs
from app.telemetry.requests import CLIENT_LEFT, FinishedRequest
from deployments.contracts.errors import BodyTimedOut, RagError

SCOPE_KEY = "ragserve.request"
ID_HEADER = "x-request-id"
TRACE_WISH_HEADER = "x-ragserve-trace"
IGNORED_HEADER = "X-Ragserve-Ignored"
CACHE_HEADER = "x-ragserve-cache"
MATCH_HEADER = "x-ragserve-cache-match"
_TIMING_HEADER = "server-timing"
_MOST_IGNORED = 20
"""Fields that the header names; bodies name all."""
_MAX_NAME_CHARS = 64


class Visit:
    """A request between its first byte and its last one, whatever it came by.

    Args:
        headers: Or what stands for them.
        args: The bounds.
        method: Of HTTP.
        path: What is asked.
        background: For whom the service asks itself; None where somebody else does.
    """

    def __init__(
        self,
        headers: Headers,
        args: GatewayArgs,
        *,
        method: str,
        path: str,
        background: Background | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self._timeout_s = args.request_timeout_s
        self._started_ns = time.time_ns()
        self._started_s = time.monotonic()
        self._trace = trace_of(headers.get(HEADER, ""), adopts=args.trust_traceparent)
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
        self.request.notes.cache_wish = wish_of(headers.get("cache-control", ""))
        self.status = 0
        self.charge: RequestCharge | None = None
        self.detached: asyncio.Task[None] | None = None
        self._has_told_spent = False

    def identify(self, principal: Principal, access: AccessCheck) -> None:
        """Notes who asks."""
        self.request = replace(self.request, principal=principal)
        notes = self.request.notes
        notes.tenant, notes.key_id = principal.tenant, principal.key_id
        notes.usage_key = access.usage_key(principal)

    def begin(
        self, weigh: Callable[[int], None] | None = None, *, timeout_s: float = math.inf
    ) -> RequestScope:
        """Returns the request for the application, whose time begins now; `timeout_s` shortens
        it."""
        request = self.request.within(min(self._timeout_s, timeout_s)).weighed_by(weigh)
        self.request = request.charged_to(self.charge)
        return self.request

    def says(self) -> dict[str, str]:
        """Returns what an answer says of its request, as headers, from what is known by now."""
        notes = self.request.notes
        headers = {
            _TIMING_HEADER: notes.server_timing(self._took_ms()),
            HEADER: self._trace.traceparent(),
        }
        if notes.ignored:
            headers[IGNORED_HEADER] = _as_header(notes.ignored)
        if (cache := notes.cache) is not None:
            headers[CACHE_HEADER] = cache.outcome
            if cache.outcome == "hit":
                headers |= {"age": str(round(cache.age_s)), MATCH_HEADER: cache.match}
        if self.charge is not None:
            headers |= self.charge.headers()
        return headers

    async def tell_spent(self, *, is_last: bool) -> None:
        """Has what was spent written before a message goes out that ends an answer: the last one,
        and in a stream the first one after all was written."""
        if self.charge is None:
            return
        is_written = self.request.notes.written is not None and not self._has_told_spent
        if is_written or is_last:
            self._has_told_spent = True
            await self.charge.tell_spent()

    def settle(self) -> None:
        """Has what was reserved settled by what was used, whatever the end was."""
        if self.charge is not None:
            self.charge.settle()

    def finished(self) -> FinishedRequest:
        """Returns all that is known at the end."""
        return FinishedRequest(
            request_id=self.request.request_id,
            kind="request" if self.request.background is None else "line",
            trace=self._trace,
            method=self.method,
            route=self._route(),
            status=self.status or CLIENT_LEFT,
            started_ns=self._started_ns,
            total_ms=self._took_ms(),
            notes=self.request.notes,
        )

    def _route(self) -> str:
        return self.path

    def _took_ms(self) -> float:
        return (time.monotonic() - self._started_s) * 1e3


class HttpVisit(Visit):
    """A request over HTTP.

    Args:
        scope: Of the request.
        send: The way to its client.
        args: The bounds.
    """

    def __init__(self, scope: Scope, send: Send, args: GatewayArgs) -> None:
        super().__init__(
            Headers(scope=scope),
            args,
            method=scope["method"],
            path=scope["path"],
            background=scope.get(BACKGROUND_KEY),
        )
        self._scope = scope
        self._send = send

    def begin(
        self, weigh: Callable[[int], None] | None = None, *, timeout_s: float = math.inf
    ) -> RequestScope:
        """Gives the application its request, whose time begins now."""
        self._scope[SCOPE_KEY] = request = super().begin(weigh, timeout_s=timeout_s)
        return request

    async def send(self, message: Message) -> None:
        """Sends a message, with what is known when an answer begins."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message).update(self.says())
        else:
            await self.note_sent(message)
        await self._send(message)

    async def note_sent(self, message: Message) -> None:
        """See `tell_spent`."""
        if message["type"] == "http.response.body":
            await self.tell_spent(is_last=not message.get("more_body", False))

    async def answer(self, error: RagError, receive: Receive, send: Send) -> None:
        """Answers in place of the application."""
        request = self.request
        request.notes.error = error.code
        response = problem_of(error, request_id=request.request_id, instance=self._scope["path"])
        if isinstance(error, BodyTimedOut):
            # What may still come of the body must not be taken for another request.
            response.headers["connection"] = "close"
        await response(self._scope, receive, send)

    def _route(self) -> str:
        return str(getattr(self._scope.get("route"), "path", ""))


def _as_header(fields: Sequence[str]) -> str:
    """Returns names that a client chose as a header: nothing in them ends it, or parts it."""
    return ", ".join(quote(name[:_MAX_NAME_CHARS], safe="") for name in fields[:_MOST_IGNORED])
