"""The engine over real sockets, against a server that behaves by a script."""

import asyncio
import math
from collections.abc import Iterator

import pytest

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import (
    StageFailed,
)
from deployments.contracts.generation import Alternative, Message, Prompt, Sampling, TokenLogprob
from tests.openai_peer import OpenAIPeer
from tests.openai_peer_client import (
    KEY,
    PROMPT,
    Limits,
    deltas_of,
    is_left,
    running,
)


@pytest.fixture(scope="module")
def peer() -> Iterator[OpenAIPeer]:
    with OpenAIPeer() as running_peer:
        yield running_peer


async def test_the_text_comes_word_by_word_with_the_counts_of_the_server(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "echo") as engine:
        deltas = await deltas_of(engine, "echo")
        assert [one.text for one in deltas] == ["one", " two", " three", " four", ""]
        assert [one.completion_tokens for one in deltas] == [1, 1, 1, 1, 0]
        assert [one.finish_reason for one in deltas] == [None] * 4 + ["stop"]
        assert (deltas[-1].prompt_tokens, deltas[-1].cached_tokens) == (6, 2)
        assert deltas[0].prompt_tokens == await engine.count_tokens(PROMPT)


async def test_the_server_is_asked_for_a_stream_with_counts(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "echo") as engine:
        await deltas_of(engine, "asked", sampling=Sampling(max_tokens=9, temperature=0.0, top_k=3))
    [received] = peer.received("asked")
    assert received.path == "/v1/chat/completions"
    assert received.headers["authorization"] == f"Bearer {KEY}"
    assert received.body == {
        "model": "echo",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "one two three four"},
        ],
        "max_tokens": 9,
        "temperature": 0.0,
        "top_k": 3,
    }


async def test_a_raw_prompt_is_continued(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "echo") as engine:
        deltas = await deltas_of(
            engine, "raw", prompt=Prompt(text="once upon"), sampling=Sampling(top_logprobs=2)
        )
    [received] = peer.received("raw")
    assert received.path == "/v1/completions"
    assert (received.body["prompt"], received.body["logprobs"]) == ("once upon", 2)
    assert "messages" not in received.body
    assert [one.text for one in deltas] == ["once", " upon", ""]
    assert deltas[0].logprobs == (
        TokenLogprob("once", -0.1, (Alternative("once", -0.1), Alternative("ONCE", -2.5))),
    )


async def test_log_probabilities_come_with_their_tokens(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "echo") as engine:
        deltas = await deltas_of(engine, "logprobs", sampling=Sampling(top_logprobs=1))
    first = TokenLogprob("one", -0.1, (Alternative("one", -0.1),))
    assert deltas[0].logprobs == (first,)
    assert sum(len(one.logprobs) for one in deltas) == 4


async def test_an_answer_at_its_bound_says_so(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "echo") as engine:
        deltas = await deltas_of(engine, "bound", sampling=Sampling(max_tokens=2))
    assert "".join(one.text for one in deltas) == "one two"
    assert deltas[-1].finish_reason == "length"


@pytest.mark.parametrize(
    ("model", "completion_tokens", "prompt_tokens"),
    [
        ("thinks", 6, 6),
        ("two-tokens-a-chunk", 8, 6),
        ("usage-in-last", 4, 6),
        ("filtered", 4, 6),
        ("no-usage", 4, None),
        ("no-stream-options", 4, None),
        ("cut-before-usage", 4, None),
    ],
)
async def test_tokens_are_counted_whatever_the_server_tells(
    peer: OpenAIPeer, model: str, completion_tokens: int, prompt_tokens: int | None
) -> None:
    """Without its count, deltas are counted and the prompt is estimated."""
    async with running(peer.base_url, model) as engine:
        deltas = await deltas_of(engine, model)
        estimate = await engine.count_tokens(PROMPT)
    assert "".join(one.text for one in deltas).split() == ["one", "two", "three", "four"]
    assert sum(one.completion_tokens for one in deltas) == completion_tokens
    assert deltas[-1].finish_reason == ("content_filter" if model == "filtered" else "stop")
    assert deltas[-1].prompt_tokens == (prompt_tokens or estimate)


async def test_a_server_without_stream_options_is_asked_without_them_from_then_on(
    peer: OpenAIPeer,
) -> None:
    async with running(peer.base_url, "no-stream-options", Limits(max_attempts=1)) as engine:
        await deltas_of(engine, "first")
        await deltas_of(engine, "second")
    assert ["stream_options" in one.body for one in peer.received("first")] == [True, False]
    assert ["stream_options" in one.body for one in peer.received("second")] == [False]


@pytest.mark.parametrize("model", ["slow", "stalls"])
async def test_closing_the_stream_closes_the_connection(peer: OpenAIPeer, model: str) -> None:
    async with running(peer.base_url, model) as engine:
        stream = engine.stream(PROMPT, Sampling(), call=CallContext(f"left-{model}", 5.0))
        assert [(await anext(stream)).text, (await anext(stream)).text] == ["one", " two"]
        await stream.aclose()
        assert await is_left(peer, f"left-{model}")
    assert peer.received(f"left-{model}")[0].tokens < 4


@pytest.mark.parametrize("model", ["hangs", "stalls"])
async def test_a_cancelled_request_closes_the_connection(peer: OpenAIPeer, model: str) -> None:
    async with running(peer.base_url, model) as engine:
        task = asyncio.create_task(deltas_of(engine, f"cancelled-{model}"))
        assert await asyncio.to_thread(
            peer.wait_until, lambda: bool(peer.received(f"cancelled-{model}"))
        )
        await asyncio.sleep(0.03)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await is_left(peer, f"cancelled-{model}")


async def test_connections_are_used_again(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "echo", Limits(max_connections=4)) as engine:
        for place in range(4):
            await deltas_of(engine, f"again-{place}")
        await asyncio.gather(*(deltas_of(engine, f"many-{place}") for place in range(24)))
    used = [one for one in peer.requests if one.request_id.startswith(("again-", "many-"))]
    assert len({one.connection for one in used if one.request_id.startswith("again-")}) == 1
    assert len({one.connection for one in used}) <= 4


async def test_only_an_engine_that_was_closed_is_unhealthy(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "echo") as engine:
        await engine.check_health()
        assert engine.max_model_tokens == 4096
    with pytest.raises(StageFailed):
        await engine.check_health()


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("The tower is 330 metres tall and stands in Paris.", 12),
        ("塔高三百三十米。", 8),
        ("Башня высотой 330 метров.", 8),
        ("🎉🎉🎉", 3),
        ("half \ud800", 2),
        ("", 0),
    ],
    ids=["english", "chinese", "russian", "emoji", "half-a-character", "empty"],
)
async def test_tokens_are_estimated_rather_too_high(text: str, least: int) -> None:
    async with running("http://127.0.0.1:9/v1", "echo") as engine:
        estimate = await engine.count_tokens(Prompt(text=text))
        chat = await engine.count_tokens(Prompt(messages=(Message("user", text),) * 2))
    assert least <= estimate <= math.ceil(len(text.encode("utf-8", "replace")) / 2)
    assert chat == 2 * (estimate + 4) + 3
