"""`app.client.grpc.carrier` with `await`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx

from app.client.api_errors import ApiTimeoutError
from app.client.calls import Call
from app.client.connection import Connection
from app.client.grpc.channel import (
    OPTIONS,
    bytes_of,
    credentials_of,
    metadata_of,
    response_of,
    target_of,
)
from app.client.grpc.refusals import error_of
from app.client.grpc.translation import Rpc, event_of, rpc_of


class AsyncGrpcCarrier:
    """Sends calls over one channel, in the event loop of the first one.

    Args:
        connection: Where to.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._opened: Any = None

    async def send(self, call: Call[Any], *, stream: bool) -> httpx.Response:
        """See `Carrier`."""
        timeout_s = call.timeout_s or self._connection.timeout_s
        rpc = rpc_of(call, timeout_s=timeout_s)
        if stream:
            return response_of(self._connection, call, await self._stream(rpc, timeout_s))
        method = self._channel().unary_unary(rpc.path, bytes_of, rpc.answers.FromString)
        try:
            answer = await method(
                rpc.request, timeout=timeout_s, metadata=metadata_of(self._connection)
            )
        except grpc.RpcError as error:
            raise error_of(error, self._connection.url) from error
        return response_of(self._connection, call, rpc.read(answer))

    async def close(self) -> None:
        """See `Carrier`."""
        if self._opened is not None:
            await self._opened.close()

    async def _stream(self, rpc: Rpc, timeout_s: float) -> "_Events":
        method = self._channel().unary_stream(rpc.path, bytes_of, rpc.answers.FromString)
        events = method(rpc.request, metadata=metadata_of(self._connection))
        stream = _Events(events, timeout_s, self._connection.url)
        await stream.begin()
        return stream

    def _channel(self) -> Any:
        if self._opened is None:  # it belongs to the loop that runs now
            url = self._connection.url
            credentials, target = credentials_of(url), target_of(url)
            if credentials is None:
                self._opened = grpc.aio.insecure_channel(target, options=OPTIONS)
            else:
                self._opened = grpc.aio.secure_channel(target, credentials, options=OPTIONS)
        return self._opened


class _Events(httpx.AsyncByteStream):
    """The events of an answer, as the body of a response; see `app.client.grpc.carrier`."""

    def __init__(self, events: Any, timeout_s: float, url: str) -> None:
        self._events = events
        self._timeout_s = timeout_s
        self._url = url
        self._first: Any = None

    async def begin(self) -> None:
        """Waits for the first event: what fails at once is an answer as well."""
        self._first = await self._next()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        event = self._first
        while event is not None:
            yield event_of(event)
            event = await self._next()

    async def aclose(self) -> None:
        """Stops the work for what nobody reads."""
        self._events.cancel()

    async def _next(self) -> Any:
        try:
            async with asyncio.timeout(self._timeout_s):
                event = await self._events.read()
        except TimeoutError as error:
            self._events.cancel()
            raise ApiTimeoutError(f"{self._url} did not answer in time.") from error
        except asyncio.CancelledError:
            self._events.cancel()
            raise
        except grpc.RpcError as error:
            raise error_of(error, self._url) from error
        return None if event is grpc.aio.EOF else event
