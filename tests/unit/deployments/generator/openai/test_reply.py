"""That no failure of the HTTP client reaches anybody as it is."""

import inspect

import httpx
import httpx_sse
import pytest

from deployments.contracts.errors import (
    BackendFailed,
    DeadlineExceeded,
    Overloaded,
    RagError,
    StageError,
    Unavailable,
)
from deployments.generator.openai.reply import translated

REQUEST = httpx.Request("POST", "http://model.internal/v1")
CLIENT_ERRORS = [
    kind
    for kind in (*vars(httpx).values(), httpx_sse.SSEError)
    if inspect.isclass(kind)
    and issubclass(kind, httpx.HTTPError | httpx.StreamError | httpx.InvalidURL)
]


def instance_of(kind: type[Exception], message: str = "secret") -> Exception:
    if issubclass(kind, httpx.HTTPStatusError):
        return kind(message, request=REQUEST, response=httpx.Response(500))
    if "message" in inspect.signature(kind).parameters:
        return kind(message)
    return kind()


def raise_as(error: Exception, *, begun: bool) -> None:
    with translated(begun=begun, request_id="r1"):
        raise error


@pytest.mark.parametrize("begun", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", CLIENT_ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_of_the_client_becomes_one_of_ours(kind: type[Exception], begun: bool) -> None:
    with pytest.raises(StageError) as raised:
        raise_as(instance_of(kind), begun=begun)
    assert "secret" not in raised.value.message
    assert "internal" not in raised.value.message


@pytest.mark.parametrize(
    ("error", "before", "after"),
    [
        (httpx.ConnectError("refused"), Unavailable, BackendFailed),
        (httpx.ConnectTimeout("slow"), Unavailable, BackendFailed),
        (httpx.ReadError("reset"), Unavailable, BackendFailed),
        (httpx.RemoteProtocolError("Server disconnected"), Unavailable, BackendFailed),
        (httpx.RemoteProtocolError("illegal status line"), BackendFailed, BackendFailed),
        (httpx.DecodingError("zlib"), BackendFailed, BackendFailed),
        (httpx.PoolTimeout("full"), Overloaded, Overloaded),
        (httpx.ReadTimeout("slow"), DeadlineExceeded, DeadlineExceeded),
        (TimeoutError(), DeadlineExceeded, DeadlineExceeded),
    ],
    ids=lambda value: str(value) if isinstance(value, Exception) else "",
)
def test_a_lost_connection_is_an_absent_server_before_the_first_token_only(
    error: Exception, before: type[RagError], after: type[RagError]
) -> None:
    with pytest.raises(before):
        raise_as(error, begun=False)
    with pytest.raises(after):
        raise_as(error, begun=True)


def test_what_is_ours_already_stays() -> None:
    error = BackendFailed("It failed.")
    with pytest.raises(BackendFailed) as raised:
        raise_as(error, begun=True)
    assert raised.value is error
