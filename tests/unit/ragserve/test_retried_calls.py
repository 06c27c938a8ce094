"""What a client does when the service does not answer: told by scripted answers of HTTP."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ragserve.client import (
    ApiConnectionError,
    ApiTimeoutError,
    AsyncClient,
    Client,
    OverloadedError,
    Retries,
    UnavailableError,
    UnexpectedResponseError,
)

URL = "http://127.0.0.1:8000"
LIVE = {"status": "ok"}
DELETED = {"id": "a", "deleted": True, "chunk_count": 1}
BUSY = {"detail": "full", "code": "overloaded", "status": 503, "request_id": "7"}
Script = list[httpx.Response | Exception]


def answer(
    body: object, status: int = 200, headers: dict[str, str] | None = None
) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


def client_of(script: Script, asked: list[httpx.Request] | None = None, **options: Any) -> Client:
    http = httpx.Client(transport=httpx.MockTransport(_played(script, asked)))
    return Client(URL, retries=Retries(first_wait_s=0.0), http_client=http, **options)


def _played(
    script: Script, asked: list[httpx.Request] | None
) -> Callable[[httpx.Request], httpx.Response]:
    def play(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        following = script.pop(0)
        if isinstance(following, Exception):
            raise following
        return following

    return play


@pytest.mark.parametrize(
    "failure",
    [
        answer(BUSY, 503),
        answer({}, 502),
        answer({}, 429),
        answer({}, 504),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
        httpx.RemoteProtocolError("gone"),
    ],
    ids=lambda failure: getattr(failure, "status_code", type(failure).__name__),
)
def test_a_call_that_changes_nothing_is_repeated(failure: Any) -> None:
    script = [failure, answer(LIVE)]
    assert client_of(script).live().status == "ok"


async def test_so_is_one_that_is_awaited() -> None:
    script: Script = [answer(BUSY, 503), answer(LIVE)]
    http = httpx.AsyncClient(transport=httpx.MockTransport(_played(script, None)))
    async with AsyncClient(URL, retries=Retries(first_wait_s=0.0), http_client=http) as client:
        assert (await client.live()).status == "ok"


def test_a_deletion_is_repeated_only_when_it_never_left() -> None:
    script: Script = [httpx.ConnectError("refused"), answer(DELETED)]
    assert client_of(script).delete_document("a").deleted
    for failure in (answer(BUSY, 503), httpx.ReadError("gone")):
        left: Script = [failure, answer(DELETED)]
        with pytest.raises((UnavailableError, ApiConnectionError)):
            client_of(left).delete_document("a")
        assert len(left) == 1


def test_documents_may_be_written_twice() -> None:
    written = {"outcomes": [], "added": 0, "updated": 0, "unchanged": 1, "failed": 0}
    asked: list[httpx.Request] = []
    client = client_of([httpx.ReadError("gone"), answer(written)], asked)
    assert client.add_files([("a.md", b"A note.")]).unchanged == 1
    assert b"A note." in asked[1].content


def test_the_last_failure_is_the_error() -> None:
    with pytest.raises(OverloadedError) as caught:
        client_of([answer(BUSY, 503, {"Retry-After": "0"})] * 3).live()
    assert caught.value.retry_after_s == 0.0
    assert str(caught.value) == "full (request 7)"


def test_who_is_to_come_back_late_does_not_wait() -> None:
    script: Script = [answer(BUSY, 503, {"Retry-After": "3600"}), answer(LIVE)]
    with pytest.raises(OverloadedError):
        client_of(script).live()


def events(*parts: tuple[str, Any], broken: Exception | None = None) -> httpx.Response:
    text = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in parts)

    class Body(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            yield text.encode()
            if broken is not None:
                raise broken

    return httpx.Response(200, stream=Body(), headers={"content-type": "text/event-stream"})


def test_a_stream_is_not_repeated_once_it_has_begun() -> None:
    for broken in (httpx.ReadError("gone"), None):
        script: Script = [events(("delta", {"text": "It "}), broken=broken), answer(LIVE)]
        seen: list[object] = []
        with (
            pytest.raises(ApiConnectionError, match="broke off"),
            client_of(script).stream_query("Q") as stream,
        ):
            seen += stream
        assert len(script) == 1


def test_a_failure_inside_a_stream_is_the_error_of_its_status() -> None:
    script: Script = [events(("delta", {"text": "It "}), ("error", BUSY)), answer(LIVE)]
    with pytest.raises(OverloadedError), client_of(script).stream_query("Q") as stream:
        list(stream)
    assert len(script) == 1


def test_events_of_a_newer_service_are_passed_over() -> None:
    script: Script = [events(("thinking", {"x": 1}), ("delta", {"text": "It "}))]
    with client_of(script).stream_query("Q") as stream:
        assert next(stream).text == "It "  # type: ignore[union-attr]


@pytest.mark.parametrize("body", ["<html>", "[1]", '{"status": 7}'])
def test_what_is_not_ragserve_is_told_apart(body: str) -> None:
    with pytest.raises(UnexpectedResponseError):
        client_of([httpx.Response(200, text=body)]).live()


def test_a_timeout_is_a_connection_error_of_its_own() -> None:
    with pytest.raises(ApiTimeoutError, match="in time"):
        client_of([httpx.ReadTimeout("late")] * 3).live()


def test_the_key_goes_to_this_machine_and_by_https(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[httpx.Request] = []
    client_of([answer(LIVE)], asked, api_key="secret").live()
    assert asked[0].headers["authorization"] == "Bearer secret"
    Client("https://rag.example.org", api_key="secret").close()
    with pytest.raises(ValueError, match="in the clear"):
        Client("http://rag.example.org", api_key="secret")
    monkeypatch.setenv("RAGSERVE_ALLOW_HTTP", "1")
    Client("http://rag.example.org", api_key="secret").close()


def test_the_key_is_in_no_description_of_the_client() -> None:
    client = Client(URL, api_key="secret")
    assert "secret" not in repr(vars(client))
    client.close()


@pytest.mark.parametrize("url", ["nonsense", "http://", "http://a:x", "ftp://127.0.0.1"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        Client(url)


def test_the_address_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGSERVE_URL", "http://localhost:9/")
    with pytest.raises(ApiConnectionError, match="No service answers at http://localhost:9"):
        Client(retries=Retries(attempts=1)).live()


def test_what_is_to_go_is_a_warning() -> None:
    headers = {"Deprecation": "@1798761600", "Sunset": "Thu, 01 Jul 2027 00:00:00 GMT"}
    client = client_of([answer(LIVE, headers=headers)])
    with pytest.warns(DeprecationWarning, match="GET /health/live is deprecated .*2027"):
        client.live()
