"""An address or a key that cannot work is found at the start, and never shown."""

import httpx
import pytest
from pydantic import SecretStr

from deployments.contracts import CallContext
from deployments.errors import ConfigError
from deployments.generation import Prompt, Sampling
from deployments.generator.openai_engine import OpenAIEngine


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
    call = CallContext("id-é", 1.0)
    deltas = [delta async for delta in one.stream(Prompt(text="x"), Sampling(), call=call)]
    await one.close()
    assert [delta.text for delta in deltas] == ["a", ""]
    [request] = seen
    assert str(request.url) == f"{base_url.rstrip('/')}/completions"
    assert request.headers.get("authorization") == (key and f"Bearer {key}")
    assert request.headers["x-request-id"] == "id-?"
