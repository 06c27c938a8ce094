"""What becomes of a request when the server fails, over real sockets: the error, the retries, and
what is told to whom."""

import asyncio
import logging
import socket
from collections.abc import Iterator

import pytest

from deployments.contracts.errors import (
    BackendFailed,
    DeadlineExceeded,
    InvalidRequest,
    Overloaded,
    PromptTooLong,
    RagError,
    RateLimited,
    Unavailable,
    UnsupportedField,
)
from tests.openai_peer import OpenAIPeer
from tests.openai_peer_client import (
    KEY,
    Limits,
    deltas_of,
    failure_of,
    is_left,
    running,
)


@pytest.fixture(scope="module")
def peer() -> Iterator[OpenAIPeer]:
    with OpenAIPeer() as running_peer:
        yield running_peer


@pytest.mark.parametrize(
    ("model", "expected", "attempts", "text"),
    [
        ("too-long", PromptTooLong, 1, ""),
        ("too-long-vllm", PromptTooLong, 1, ""),
        ("error-event-too-long", PromptTooLong, 1, ""),
        ("refuses", InvalidRequest, 1, ""),
        ("unsupported", UnsupportedField, 1, ""),
        ("rate-limited", RateLimited, 1, ""),
        ("out-of-quota", BackendFailed, 1, ""),
        ("unauthorized", BackendFailed, 1, ""),
        ("missing", BackendFailed, 1, ""),
        ("redirects", BackendFailed, 1, ""),
        ("broken", BackendFailed, 1, ""),
        ("html", BackendFailed, 1, ""),
        ("plain-json", BackendFailed, 1, ""),
        ("garbage", BackendFailed, 1, ""),
        ("garbage-later", BackendFailed, 1, "one two"),
        ("cut", BackendFailed, 1, "one two"),
        ("no-finish", BackendFailed, 1, "one two three four"),
        ("error-event", BackendFailed, 1, "one two"),
        ("error-event-string", BackendFailed, 1, "one"),
        ("unavailable", Unavailable, 3, ""),
        ("error-event-first", Unavailable, 3, ""),
        ("resets", Unavailable, 3, ""),
        ("resets-before-token", Unavailable, 3, ""),
        ("hangs", DeadlineExceeded, 1, ""),
        ("pings", DeadlineExceeded, 1, ""),
        ("stalls", DeadlineExceeded, 1, "one two"),
    ],
)
async def test_what_goes_wrong_has_its_error_and_keeps_its_secrets(
    peer: OpenAIPeer,
    caplog: pytest.LogCaptureFixture,
    model: str,
    expected: type[RagError],
    attempts: int,
    text: str,
) -> None:
    caplog.set_level(logging.DEBUG, "ray.serve")
    is_silent = expected is DeadlineExceeded
    limits = Limits(first_token_timeout_s=0.4 if is_silent else 10.0, inter_token_timeout_s=0.25)
    async with running(peer.base_url, model, limits) as engine:
        started_s = asyncio.get_running_loop().time()
        error, written = await failure_of(engine, f"fails-{model}", timeout_s=30.0)
        assert asyncio.get_running_loop().time() - started_s < 5.0
        await engine.check_health()
    assert type(error) is expected
    assert written == text
    assert len(peer.received(f"fails-{model}")) == attempts
    assert len(error.message) < 300
    assert error.message.isascii()
    assert error.message.isprintable()
    for said in (error.message, caplog.text):
        assert KEY not in said
        assert "127.0.0.1" not in said
        assert "/srv/" not in said


async def test_a_refusal_tells_the_client_what_the_server_said(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "refuses") as engine:
        error, _ = await failure_of(engine, "refuses")
    assert error.message == "The model server refused the request: temperature must be below 2."
    assert [one["field"] for one in error.errors] == ["temperature"]


async def test_a_rate_limit_tells_when_to_come_again_and_a_long_one_is_not_waited_for(
    peer: OpenAIPeer,
) -> None:
    async with running(peer.base_url, "rate-limited", Limits(first_token_timeout_s=30)) as engine:
        error, _ = await failure_of(engine, "when", timeout_s=30.0)
    assert error.retry_after_s == 7.0
    assert len(peer.received("when")) == 1


async def test_the_log_tells_why_the_server_refused_us(
    peer: OpenAIPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(peer.base_url, "unauthorized") as engine:
        error, _ = await failure_of(engine, "refused-us")
    assert error.message == "The model server refused the service."
    assert "request refused-us: the model server answered 401 invalid_api_key" in caplog.text


@pytest.mark.parametrize(
    "model", ["unavailable-once", "rate-limited-once", "resets-once", "resets-before-token-once"]
)
async def test_a_failure_before_the_first_token_is_tried_again(
    peer: OpenAIPeer, model: str
) -> None:
    async with running(peer.base_url, model) as engine:
        deltas = await deltas_of(engine, model)
    assert "".join(one.text for one in deltas) == "one two three four"
    assert len(peer.received(model)) == 2


async def test_a_short_retry_after_is_honoured(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "rate-limited-once") as one:
        await deltas_of(one, "waits")
    first, second = peer.received("waits")
    assert second.arrived_s - first.arrived_s >= 0.15


async def test_a_wait_that_the_request_has_no_time_for_is_not_begun(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "rate-limited-briefly") as engine:
        error, _ = await failure_of(engine, "no-time", timeout_s=1.0)
    assert type(error) is RateLimited
    assert len(peer.received("no-time")) == 1


async def test_what_failed_together_does_not_come_back_together(peer: OpenAIPeer) -> None:
    limits = Limits(max_attempts=2)
    waits_s = []
    async with running(peer.base_url, "unavailable", limits) as engine:
        for place in range(10):
            await failure_of(engine, f"spread-{place}")
            first, second = peer.received(f"spread-{place}")
            waits_s.append(second.arrived_s - first.arrived_s)
    assert max(waits_s) - min(waits_s) > 0.02


async def test_the_time_of_the_request_bounds_all_of_it(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "stalls", Limits(inter_token_timeout_s=30.0)) as engine:
        started_s = asyncio.get_running_loop().time()
        error, text = await failure_of(engine, "deadline", timeout_s=0.5)
        assert asyncio.get_running_loop().time() - started_s < 5.0
        assert (type(error), text) == (DeadlineExceeded, "one two")
        assert await is_left(peer, "deadline")
        spent, _ = await failure_of(engine, "spent", timeout_s=0.0)
        assert type(spent) is DeadlineExceeded


async def test_a_request_without_a_free_connection_is_refused_soon(peer: OpenAIPeer) -> None:
    limits = Limits(max_connections=1, connect_timeout_s=0.1)
    async with running(peer.base_url, "hangs", limits) as engine:
        holder = asyncio.create_task(deltas_of(engine, "holder"))
        await asyncio.to_thread(peer.wait_until, lambda: bool(peer.received("holder")))
        error, _ = await failure_of(engine, "crowded")
        holder.cancel()
        await asyncio.gather(holder, return_exceptions=True)
    assert type(error) is Overloaded
    assert error.retry_after_s
    assert peer.received("crowded") == []


async def test_it_starts_and_stays_healthy_without_a_server_and_works_when_there_is_one() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with running(f"http://127.0.0.1:{port}/v1", "echo") as engine:
        error, _ = await failure_of(engine, "nobody")
        assert type(error) is Unavailable
        await engine.check_health()
        with OpenAIPeer(port):
            assert len(await deltas_of(engine, "somebody")) == 5
        error, _ = await failure_of(engine, "nobody-again")
        assert type(error) is Unavailable
        await engine.check_health()


async def test_a_server_that_speaks_no_http_is_a_broken_one() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, running(f"http://127.0.0.1:{port}/v1", "echo") as engine:
        error, _ = await failure_of(engine, "ssh")
    assert type(error) is BackendFailed
