"""What is known of a request between its first byte and its last one, and what its answer says of
it."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast, get_args
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
from app.settings.gateway import GatewayArgs
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

    def begin(self, weigh: Callable[[int], None] | None = None) -> None:
        """Gives the application its request, whose time begins now."""
        request = self.request.within(self._timeout_s).weighed_by(weigh)
        self.request = request.charged_to(self.charge)
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
            if (cache := self.request.notes.cache) is not None:
                headers[CACHE_HEADER] = cache.outcome
                if cache.outcome == "hit":
                    headers["age"] = str(round(cache.age_s))
                    headers[MATCH_HEADER] = cache.match
            if self.charge is not None:
                headers.update(self.charge.headers())
        else:
            await self.tell_spent(message)
        await self._send(message)

    async def tell_spent(self, message: Message) -> None:
        """Has what was spent written before a message goes out that ends an answer: the last one,
        and in a stream the first one after all was written."""
        if self.charge is None or message["type"] != "http.response.body":
            return
        is_written = self.request.notes.written is not None and not self._has_told_spent
        if is_written or not message.get("more_body", False):
            self._has_told_spent = True
            await self.charge.tell_spent()

    async def answer(self, error: RagError, receive: Receive, send: Send) -> None:
        """Answers in place of the application."""
        request = self.request
        request.notes.error = error.code
        response = problem_of(error, request_id=request.request_id, instance=self._scope["path"])
        if isinstance(error, BodyTimedOut):
            # What may still come of the body must not be taken for another request.
            response.headers["connection"] = "close"
        await response(self._scope, receive, send)

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
            method=self._scope["method"],
            route=_route_of(self._scope),
            status=self.status or CLIENT_LEFT,
            started_ns=self._started_ns,
            total_ms=self._took_ms(),
            notes=self.request.notes,
        )

    def _took_ms(self) -> float:
        return (time.monotonic() - self._started_s) * 1e3


def _as_header(fields: Sequence[str]) -> str:
    """Returns names that a client chose as a header: nothing in them ends it, or parts it."""
    return ", ".join(quote(name[:_MAX_NAME_CHARS], safe="") for name in fields[:_MOST_IGNORED])


def _route_of(scope: Mapping[str, Any]) -> str:
    return str(getattr(scope.get("route"), "path", ""))
