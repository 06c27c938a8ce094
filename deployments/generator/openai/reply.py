"""One response of a model server: its chunks as they arrive, and its failures as our errors."""

import json
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager

import httpx
from httpx_sse import EventSource, ServerSentEvent

from deployments.contracts.errors import (
    BackendFailed,
    DeadlineExceeded,
    Overloaded,
    RagError,
    StageError,
    Unavailable,
)
from deployments.generator.openai.chunks import UNREADABLE, Piece, read_piece
from deployments.generator.openai.refusals import Complaint, complaint_of
from deployments.generator.openai.wire import STAGE

_ERROR_BYTES = 64 * 1024
"""What is read of a body that is not an answer."""
_POOL_RETRY_AFTER_S = 1.0
_log = logging.getLogger("ray.serve")


class Reply:
    """The chunks of an answer that has begun.

    Args:
        response: Its status is 200; nothing of its body was read.
        refuse: Makes the error of what the server complains about.

    Raises:
        BackendFailed: the response is no event stream.
    """

    def __init__(self, response: httpx.Response, refuse: Callable[[Complaint], RagError]) -> None:
        self._response = response
        self._refuse = refuse
        self._events: AsyncGenerator[ServerSentEvent, None] = EventSource(response).aiter_sse()

    async def next_piece(self) -> Piece | None:
        """Returns the next chunk, None after the last one.

        Raises:
            BackendFailed: the chunk cannot be read.
            RagError: what the server says went wrong.
            httpx.HTTPError: the connection broke.
        """
        async for event in self._events:
            data = event.data.strip()
            if data == "[DONE]":
                return None
            if data:
                return self._read(data)
        return None

    async def drain(self) -> None:
        """Reads what follows the last chunk: a connection whose response was read to the end can
        serve another request."""
        async for _ in self._events:
            pass

    async def aclose(self) -> None:
        """Closes the response; where it was not read to the end, the server sees that we left."""
        await self._response.aclose()
        await self._events.aclose()

    def _read(self, data: str) -> Piece:
        try:
            payload = json.loads(data)
        except ValueError as error:
            raise BackendFailed(UNREADABLE, STAGE) from error
        complaint = complaint_of(payload)
        if complaint is not None:
            raise self._refuse(complaint)
        return read_piece(payload)


async def read_complaint(response: httpx.Response) -> Complaint:
    """Returns what a response without an answer says, and closes it."""
    body = b""
    try:
        async for part in response.aiter_bytes():
            body += part
            if len(body) > _ERROR_BYTES:
                break
    finally:
        await response.aclose()
    try:
        payload: object = json.loads(body)
    except ValueError:
        payload = {"message": "a body that is not JSON"}
    status = response.status_code
    found = complaint_of(payload, status=status, headers=response.headers)
    return found or Complaint(status)


HTTPX_ERRORS = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, httpx.CookieConflict)
"""All that the HTTP client raises of its own."""


@contextmanager
def translated(*, begun: bool, request_id: str) -> Iterator[None]:
    """Raises our errors in place of those of the HTTP client.

    Args:
        begun: Whether a token has arrived: from then on a broken connection is a broken answer,
            and before that it is a server that is not there.
        request_id: For the log.
    """
    try:
        yield
    except TimeoutError as error:
        what = "stopped in the middle of its answer" if begun else "did not answer in time"
        raise DeadlineExceeded(f"The model server {what}.", STAGE) from error
    except HTTPX_ERRORS as error:
        kind = type(error).__name__
        _log.warning("request %s: the model server: %s: %.200s", request_id, kind, error)
        raise error_of_transport(error, begun=begun) from error


def error_of_transport(error: Exception, *, begun: bool) -> StageError:
    """Returns our error for one of httpx."""
    if isinstance(error, httpx.PoolTimeout):
        message = "All connections to the model server are in use; retry shortly."
        return Overloaded(message, STAGE, _POOL_RETRY_AFTER_S)
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return DeadlineExceeded("The model server did not answer in time.", STAGE)
    if not _is_lost_connection(error):
        return BackendFailed(UNREADABLE, STAGE)
    if begun:
        return BackendFailed("The model server broke off its answer.", STAGE)
    return Unavailable("The model server is not available; retry shortly.", STAGE)


def _is_lost_connection(error: Exception) -> bool:
    """Returns whether the server was not there or went away, rather than said something odd."""
    if isinstance(error, httpx.RemoteProtocolError):
        # What HTTP/1.1 makes of a connection that ends before, or inside, a response.
        return "disconnected" in str(error) or "closed connection" in str(error)
    return isinstance(error, httpx.NetworkError | httpx.ConnectTimeout | httpx.ProxyError)
