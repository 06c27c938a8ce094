"""What carries the calls of a client: HTTP, or gRPC for addresses that begin so."""

from typing import Any, Protocol

import httpx

from app.client.calls import Call
from app.client.connection import Connection
from app.client.replies import translated

MISSING = "Addresses that begin with grpc:// need gRPC: pip install 'ragserve[grpc]'"


class Carrier(Protocol):
    """Sends calls, for clients that block."""

    def send(self, call: Call[Any], *, stream: bool) -> httpx.Response:
        """Returns the answer to one attempt of a call, an error of the service included; with
        `stream` its body is still to come.

        Raises:
            ApiError: there is none.
        """
        ...

    def close(self) -> None:
        """Closes the connections."""
        ...


class AsyncCarrier(Protocol):
    """The same with `await`."""

    async def send(self, call: Call[Any], *, stream: bool) -> httpx.Response:
        """See `Carrier`."""
        ...

    async def close(self) -> None:
        """Closes the connections."""
        ...


class HttpCarrier:
    """Sends calls over HTTP.

    Args:
        connection: Where to.
        client: What sends them; None for one of its own.
    """

    def __init__(self, connection: Connection, client: httpx.Client | None) -> None:
        self._connection = connection
        self._owns_client = client is None
        self._client = client or httpx.Client(trust_env=False)

    def send(self, call: Call[Any], *, stream: bool) -> httpx.Response:
        """See `Carrier`."""
        request = self._connection.request(self._client, call)
        with translated(self._connection.url):
            response = self._client.send(request, stream=stream)
            if stream and not response.is_success:
                response.read()
        return response

    def close(self) -> None:
        """See `Carrier`."""
        if self._owns_client:
            self._client.close()


class AsyncHttpCarrier:
    """`HttpCarrier` with `await`."""

    def __init__(self, connection: Connection, client: httpx.AsyncClient | None) -> None:
        self._connection = connection
        self._owns_client = client is None
        self._client = client or httpx.AsyncClient(trust_env=False)

    async def send(self, call: Call[Any], *, stream: bool) -> httpx.Response:
        """See `Carrier`."""
        request = self._connection.request(self._client, call)
        with translated(self._connection.url):
            response = await self._client.send(request, stream=stream)
            if stream and not response.is_success:
                await response.aread()
        return response

    async def close(self) -> None:
        """See `Carrier`."""
        if self._owns_client:
            await self._client.aclose()


def make_carrier(connection: Connection, client: httpx.Client | None) -> Carrier:
    """Returns what carries calls to an address; raises as `make_async_carrier`."""
    if not connection.is_grpc:
        return HttpCarrier(connection, client)
    _require_none(client)
    try:
        from app.client.grpc.carrier import GrpcCarrier
    except ImportError as error:
        raise ImportError(MISSING) from error
    return GrpcCarrier(connection)


def make_async_carrier(connection: Connection, client: httpx.AsyncClient | None) -> AsyncCarrier:
    """Returns what carries calls to an address.

    Raises:
        ImportError: it is one of gRPC, which is not installed.
        ValueError: it is one of gRPC, and calls are to go by a client of HTTP.
    """
    if not connection.is_grpc:
        return AsyncHttpCarrier(connection, client)
    _require_none(client)
    try:
        from app.client.grpc.async_carrier import AsyncGrpcCarrier
    except ImportError as error:
        raise ImportError(MISSING) from error
    return AsyncGrpcCarrier(connection)


def _require_none(client: object) -> None:
    if client is not None:
        raise ValueError("An address of gRPC goes by no client of HTTP: leave http_client out.")
