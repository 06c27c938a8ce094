"""Calls over gRPC, for clients that block."""

import threading
import time
from collections.abc import Iterator
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


class GrpcCarrier:
    """Sends calls over one channel; safe in several threads.

    Args:
        connection: Where to.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        credentials, target = credentials_of(connection.url), target_of(connection.url)
        if credentials is None:
            self._channel = grpc.insecure_channel(target, options=OPTIONS)
        else:
            self._channel = grpc.secure_channel(target, credentials, options=OPTIONS)

    def send(self, call: Call[Any], *, stream: bool) -> httpx.Response:
        """See `Carrier`."""
        timeout_s = call.timeout_s or self._connection.timeout_s
        rpc = rpc_of(call, timeout_s=timeout_s)
        if stream:
            return response_of(self._connection, call, self._stream(rpc, timeout_s))
        method = self._channel.unary_unary(rpc.path, bytes_of, rpc.answers.FromString)
        try:
            answer = method(rpc.request, timeout=timeout_s, metadata=metadata_of(self._connection))
        except grpc.RpcError as error:
            raise error_of(error, self._connection.url) from error
        return response_of(self._connection, call, rpc.read(answer))

    def close(self) -> None:
        """See `Carrier`."""
        self._channel.close()

    def _stream(self, rpc: Rpc, timeout_s: float) -> "_Events":
        method = self._channel.unary_stream(rpc.path, bytes_of, rpc.answers.FromString)
        events = method(rpc.request, metadata=metadata_of(self._connection))
        return _Events(events, _Watchdog(events, timeout_s), self._connection.url)


class _Watchdog:
    """Ends a stream of which nothing came for too long."""

    def __init__(self, events: Any, timeout_s: float) -> None:
        self._events = events
        self._timeout_s = timeout_s
        self._last_s = time.monotonic()
        self._is_closed = False
        self.has_bitten = False
        self._arm(timeout_s)

    def note(self) -> None:
        """Takes note of a piece."""
        self._last_s = time.monotonic()

    def close(self) -> None:
        """Lets the stream alone."""
        self._is_closed = True
        self._timer.cancel()

    def _arm(self, wait_s: float) -> None:
        self._timer = threading.Timer(wait_s, self._look)
        self._timer.daemon = True
        self._timer.start()

    def _look(self) -> None:
        left_s = self._last_s + self._timeout_s - time.monotonic()
        if self._is_closed:
            return
        if left_s > 0:
            self._arm(left_s)
        else:
            self.has_bitten = True
            self._events.cancel()


class _Events(httpx.SyncByteStream):
    """The events of an answer, as the body of a response; the first one is here before anybody
    reads, so that what fails at once is an answer as well."""

    def __init__(self, events: Any, watchdog: _Watchdog, url: str) -> None:
        self._events = events
        self._watchdog = watchdog
        self._url = url
        self._first = self._next()

    def __iter__(self) -> Iterator[bytes]:
        event = self._first
        while event is not None:
            yield event_of(event)
            event = self._next()

    def close(self) -> None:
        """Stops the work for what nobody reads."""
        self._watchdog.close()
        self._events.cancel()

    def _next(self) -> Any:
        try:
            event = next(self._events, None)
        except grpc.RpcError as error:
            self._watchdog.close()
            if self._watchdog.has_bitten:
                raise ApiTimeoutError(f"{self._url} did not answer in time.") from error
            raise error_of(error, self._url) from error
        self._watchdog.note()
        return event
