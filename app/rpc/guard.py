"""What every call passes: the same entrance as requests over HTTP, and what of the door is gRPC's
own: metadata, sizes, statuses."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, Protocol
from urllib.parse import unquote

from google.protobuf.message import Message
from grpc import StatusCode
from starlette.datastructures import Headers, MutableHeaders

from app.client.privacy import is_loopback
from app.edge.admission import as_rag_error
from app.edge.entrance import Entrance
from app.edge.middleware import accepted_id
from app.edge.visit import ID_HEADER, Visit
from app.gateway import Gateway
from app.problems import http_status_of, retry_after_of
from app.rpc.calls import Rpc, RpcCall, metadata_of
from app.rpc.statuses import details_of, status_of
from app.rpc.timeouts import timeout_of
from app.schemas.wire import RELEASE_HEADER
from app.settings.cold.gateway import GatewayArgs
from deployments.contracts.errors import RagError, RequestTooLarge, StageFailed, Unauthorized

_log = logging.getLogger("ray.serve")


class RpcContext(Protocol):
    """What Ray Serve gives a method beside its message."""

    def invocation_metadata(self) -> Any:
        """Returns what the client sent beside its message."""
        ...

    def peer(self) -> str:
        """Returns who is at the other end of the connection."""
        ...

    def set_code(self, code: StatusCode) -> None:
        """Sets the status."""
        ...

    def set_details(self, details: str) -> None:
        """Sets what is said of the status."""
        ...

    def set_trailing_metadata(self, trailing_metadata: list[tuple[str, str]]) -> None:
        """Sets what is sent after the last message."""
        ...


Unary = Callable[[RpcCall, Any], Awaitable[Message]]
Streaming = Callable[[RpcCall, Any], AsyncGenerator[Message, None]]


class RpcGuard:
    """Lets calls in, or answers in their place.

    A refusal is no exception: Serve would log each with a stack, and send no trailers.

    Args:
        entrance: What requests pass that come over HTTP as well.
        gateway: What is served.
        args: The bounds.
    """

    def __init__(self, entrance: Entrance, gateway: Gateway, args: GatewayArgs) -> None:
        self._entrance = entrance
        self._gateway = gateway
        self._args = args

    async def unary(self, rpc: Rpc, work: Unary, request: Message, context: RpcContext) -> Message:
        """Returns the one answer to a call; an empty one where it failed."""
        metadata = _identified(metadata_of(context))
        visit = self._visit(rpc, metadata)
        try:
            async with self._let_in(visit, rpc, request, metadata, context) as call:
                answer = await work(call, request)
                await visit.tell_spent(is_last=True)
                visit.status = 200
        except Exception as error:
            await self._refuse(visit, error, context)
            return rpc.answers()
        finally:
            await self._end(visit, rpc, context)
        return answer

    async def streaming(
        self, rpc: Rpc, work: Streaming, request: Message, context: RpcContext
    ) -> AsyncGenerator[Message, None]:
        """Yields the answers to a call; one that fails ends, with a status that says why."""
        metadata = _identified(metadata_of(context))
        visit = self._visit(rpc, metadata)
        try:
            async with (
                self._let_in(visit, rpc, request, metadata, context) as call,
                aclosing(work(call, request)) as answers,
            ):
                async for answer in answers:
                    visit.status = 200
                    await visit.tell_spent(is_last=False)
                    yield answer
                await visit.tell_spent(is_last=True)
                visit.status = 200
        except Exception as error:
            await self._refuse(visit, error, context)
        finally:
            await self._end(visit, rpc, context)

    def _visit(self, rpc: Rpc, metadata: Headers) -> Visit:
        return Visit(metadata, self._args, method="POST", path=rpc.path)

    @asynccontextmanager
    async def _let_in(
        self, visit: Visit, rpc: Rpc, request: Message, metadata: Headers, context: RpcContext
    ) -> AsyncIterator[RpcCall]:
        if rpc.need == "public":
            scope = visit.begin()
            yield RpcCall(scope, self._gateway, self._args, metadata, float("inf"))
            return
        self._require_near(context)
        await self._entrance.identify(visit, metadata)
        self._require_small(rpc, request)
        timeout_s = timeout_of(request)
        with self._entrance.running(visit, in_background=rpc.in_background) as permit:
            await self._entrance.charge(visit)
            scope = visit.begin(permit.weigh, timeout_s=timeout_s)
            yield RpcCall(scope, self._gateway, self._args, metadata, timeout_s)

    def _require_near(self, context: RpcContext) -> None:
        """Makes sure that a service which asks for no keys answers this machine alone: Serve has
        the replicas listen for gRPC on every interface, whatever `http_options.host` says."""
        if self._gateway.authenticator.is_open and not is_near(context.peer()):
            raise Unauthorized(
                "Without keys, this service answers calls of its own machine alone; operators set "
                "`auth: required`."
            )

    def _require_small(self, rpc: Rpc, request: Message) -> None:
        args = self._args
        max_bytes = args.max_upload_bytes if rpc.is_upload else args.max_body_bytes
        if request.ByteSize() > max_bytes:
            raise RequestTooLarge(f"The message is over the bound of {max_bytes} bytes.")

    async def _refuse(self, visit: Visit, error: Exception, context: RpcContext) -> None:
        request_id = visit.request.request_id
        refusal = as_rag_error(error, request_id)
        if isinstance(error, StageFailed):
            _log.error("request %s: %s", request_id, error, exc_info=error)
        visit.request.notes.error = refusal.code
        # A stream that has begun had its status over HTTP, too.
        visit.status = visit.status or http_status_of(refusal.code)
        context.set_code(status_of(refusal))
        context.set_details(details_of(refusal, request_id=request_id))
        _say(visit, context, refusal)
        await visit.tell_spent(is_last=True)

    async def _end(self, visit: Visit, rpc: Rpc, context: RpcContext) -> None:
        if not visit.request.notes.error:
            _say(visit, context)
        # A call that is cancelled frees what it held all the same.
        await asyncio.shield(self._entrance.end(visit, is_told=rpc.need != "public"))


def is_near(peer: str) -> bool:
    """Returns whether the other end of a connection is on this machine.

    >>> is_near("ipv4:127.0.0.1:4711"), is_near("ipv6:%5B::1%5D:4711"), is_near("ipv4:10.0.0.7:1")
    (True, True, False)
    """
    kind, _, address = unquote(peer).partition(":")
    if kind == "unix":
        return True
    host = address.rpartition(":")[0].strip("[]")
    return is_loopback(host.removeprefix("::ffff:"))


def _identified(metadata: Headers) -> Headers:
    """Returns the metadata with an id of the request in it."""
    given = metadata.get(ID_HEADER, "")
    request_id = accepted_id(given)
    if request_id == given:
        return metadata
    named = MutableHeaders(raw=list(metadata.raw))
    named[ID_HEADER] = request_id
    return named


def _say(visit: Visit, context: RpcContext, error: RagError | None = None) -> None:
    """Sets what an answer says of its request beside its messages."""
    said = {ID_HEADER: visit.request.request_id} | visit.says()
    if release := visit.request.notes.release:
        said[RELEASE_HEADER] = release
    if error is not None:
        said |= retry_after_of(error)
    context.set_trailing_metadata([(name.lower(), value) for name, value in said.items()])
