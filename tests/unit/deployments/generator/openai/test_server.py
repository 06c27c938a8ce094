"""An address or a key that cannot work is found at the start, and never shown; what was opened is
closed."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import (
    BackendFailed,
    ConfigError,
    InvalidRequest,
    RagError,
    Unavailable,
)
from deployments.contracts.generation import Prompt, Sampling
from deployments.generator.openai.engine import OpenAIEngine

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def engine(
    base_url: str = "http://127.0.0.1:9/v1",
    key: str | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> OpenAIEngine:
    return OpenAIEngine(
        model="m",
        base_url=base_url,
        api_key=None if key is None else SecretStr(key),
        max_model_tokens=None,
        connect_timeout_s=1.0,
        first_token_timeout_s=1.0,
        inter_token_timeout_s=1.0,
        max_attempts=1,
        max_connections=1,
        transport=transport,
    )


@pytest.mark.parametrize(
    "base_url",
    ["", "127.0.0.1:8000/v1", "ftp://host/v1", "http://", "http://host:port"],
)
async def test_an_address_that_cannot_work_is_refused(base_url: str) -> None:
    with pytest.raises(ConfigError, match="base URL"):
        await engine(base_url).start()


@pytest.mark.parametrize("key", ["sk-secret\n", "sk secret", "sk-sécret", "\x00"])
async def test_a_key_that_no_header_takes_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        await engine(key=key).start()
    assert "cret" not in str(raised.value)


@pytest.mark.parametrize("base_url", ["http://model/v1", "http://model/v1/", "http://model"])
@pytest.mark.parametrize("key", [None, "sk-secret"])
async def test_the_path_is_below_the_address_and_the_key_is_a_bearer_token(
    base_url: str, key: str | None
) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        text = 'data: {"choices": [{"text": "a", "finish_reason": "stop"}]}\n\n'
        return httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})

    one = engine(base_url, key, httpx.MockTransport(answer))
    await one.start()
    call = CallContext("id-é", 1.0, traceparent=TRACE)
    deltas = [delta async for delta in one.stream(Prompt(text="x"), Sampling(), call=call)]
    await one.close()
    assert [delta.text for delta in deltas] == ["a", ""]
    [request] = seen
    assert request.headers["traceparent"] == TRACE
    assert str(request.url) == f"{base_url.rstrip('/')}/completions"
    assert request.headers.get("authorization") == (key and f"Bearer {key}")
    assert request.headers["x-request-id"] == "id-?"


class Watched(httpx.AsyncByteStream):
    """A body that knows whether it was closed. It never ends by itself."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.read_out = asyncio.Event()
        self.closes = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._text.encode()
        self.read_out.set()
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.closes += 1


def event(payload: str) -> str:
    return f"data: {payload}\n\n"


WORD = event('{"choices": [{"text": "a"}]}')
ENDED = event('{"choices": [{"text": "", "finish_reason": "stop"}]}')


async def watched(status: int, text: str, content_type: str) -> tuple[OpenAIEngine, Watched]:
    """An engine whose server gives this answer."""
    body = Watched(text)
    headers = {"content-type": content_type}
    response = httpx.Response(status, headers=headers, stream=body)
    one = engine(transport=httpx.MockTransport(lambda request: response))
    await one.start()
    return one, body


@pytest.mark.parametrize(
    ("status", "text", "content_type", "expected"),
    [
        (200, WORD + ENDED + event("[DONE]"), "text/event-stream", None),
        (200, WORD + event("[DONE]"), "text/event-stream", BackendFailed),
        (200, event("[DONE]"), "text/event-stream", BackendFailed),
        (200, WORD + event("{"), "text/event-stream", BackendFailed),
        (200, event("{"), "text/event-stream", BackendFailed),
        (200, event('{"error": {"code": 400}}'), "text/event-stream", InvalidRequest),
        (200, "<html>", "text/html", BackendFailed),
        (400, "x" * 100_000, "text/plain", InvalidRequest),
    ],
    ids=["whole", "cut", "nothing", "garbage-later", "garbage", "error", "html", "endless-refusal"],
)
async def test_a_response_is_closed_whatever_was_in_it(
    status: int, text: str, content_type: str, expected: type[RagError] | None
) -> None:
    """Closing must not be left to the garbage collector: the server works on until it happens."""
    one, body = await watched(status, text, content_type)
    stream = one.stream(Prompt(text="x"), Sampling(), call=CallContext("r", 2.0))
    failed = None
    try:
        async for _ in stream:
            pass
    except RagError as error:
        failed = type(error)
        assert body.closes, "before anybody hears of it"
    assert failed is expected
    assert body.closes
    await one.close()


async def test_a_response_is_closed_when_the_reader_stops() -> None:
    one, body = await watched(200, WORD, "text/event-stream")
    stream = one.stream(Prompt(text="x"), Sampling(), call=CallContext("r", 2.0))
    assert (await anext(stream)).text == "a"
    assert body.closes == 0
    await stream.aclose()
    assert body.closes
    await one.close()


@pytest.mark.parametrize("text", ["", WORD], ids=["before-the-first-token", "after-it"])
async def test_a_response_is_closed_when_the_reader_is_cancelled(text: str) -> None:
    one, body = await watched(200, text, "text/event-stream")

    async def read() -> None:
        async for _ in one.stream(Prompt(text="x"), Sampling(), call=CallContext("r", 2.0)):
            pass

    task = asyncio.create_task(read())
    await body.read_out.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert body.closes
    await one.close()


@pytest.mark.parametrize(
    ("answer", "there"),
    [
        (httpx.Response(200, json={"data": []}), True),
        (httpx.Response(401), True),
        (httpx.Response(404), True),
        (httpx.Response(503, text="upstream connect error"), False),
        (httpx.ConnectError("refused"), False),
        (httpx.ReadTimeout("silent"), False),
        (httpx.PoolTimeout("busy"), True),
    ],
    ids=lambda value: str(getattr(value, "status_code", value)),
)
async def test_whether_the_server_is_there(
    answer: httpx.Response | httpx.HTTPError, there: bool
) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer

    made = engine(transport=httpx.MockTransport(respond))
    await made.start()
    try:
        if there:
            await made.reach(timeout_s=1.0)
        else:
            with pytest.raises(Unavailable, match="The model server"):
                await made.reach(timeout_s=1.0)
    finally:
        await made.close()
