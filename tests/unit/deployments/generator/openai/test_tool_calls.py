"""Calls of functions, over real sockets, from a server that makes them by a script."""

from collections.abc import Iterator

import pytest

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import DeadlineExceeded
from deployments.contracts.generation import (
    Generation,
    GenerationRequest,
    Message,
    Prompt,
    Sampling,
    TextDelta,
    collect,
)
from deployments.contracts.tools import Tool, ToolCall, ToolUse
from deployments.generator.config import SamplingArgs
from deployments.generator.openai.engine import OpenAIEngine
from deployments.generator.writing import Writer
from tests.openai_peer import OpenAIPeer
from tests.openai_peer_client import Limits, deltas_of, running

BERTH = Tool("book", "Books.", {"type": "object", "properties": {"feet": {"type": "integer"}}})
CRANE = Tool("crane")
ASKED = Message("user", "please book a berth and a crane")
BOOKED = ToolCall("call_0", "book", '{"feet": 7}')
CALL = CallContext("request", 5.0)


@pytest.fixture(scope="module")
def peer() -> Iterator[OpenAIPeer]:
    with OpenAIPeer() as running_peer:
        yield running_peer


async def written_by(engine: OpenAIEngine, request: GenerationRequest) -> Generation:
    writer = Writer(engine, model="m", defaults=SamplingArgs(), window_s=0.0)
    return await collect(writer.stream(request, call=CALL))


def request(tools: ToolUse, *more: Message) -> GenerationRequest:
    return GenerationRequest(messages=(ASKED, *more), tools=tools)


async def test_calls_come_piece_by_piece_and_count_as_tokens(peer: OpenAIPeer) -> None:
    prompt = Prompt(messages=(ASKED,), tools=ToolUse((BERTH,)))
    async with running(peer.base_url, "calls") as engine:
        deltas = await deltas_of(engine, "pieces", prompt=prompt)
    pieces = [piece for delta in deltas for piece in delta.calls]
    assert pieces[0].name == "book"
    assert "".join(piece.arguments for piece in pieces) == '{"feet": 7}'
    assert [delta.completion_tokens for delta in deltas] == [1, 1, 1, 0]
    assert deltas[-1].finish_reason == "tool_calls"


async def test_several_calls_and_what_came_of_them(peer: OpenAIPeer) -> None:
    tools = ToolUse((BERTH, CRANE))
    async with running(peer.base_url, "calls") as engine:
        first = await written_by(engine, request(tools))
        assert first.calls == (BOOKED, ToolCall("call_1", "crane", "{}"))
        assert (first.finish_reason, first.completion_tokens) == ("tool_calls", 6)
        told = [
            Message("assistant", "", first.calls),
            Message("tool", "Berth 7.", call_id="call_0"),
            Message("tool", "Crane 2.", call_id="call_1"),
        ]
        second = await written_by(engine, request(tools, *told))
    assert second.text == "It returned: Berth 7.; Crane 2. [1]"
    assert (second.calls, second.finish_reason) == ((), "stop")


@pytest.mark.parametrize(
    ("tools", "reason", "count"),
    [
        (ToolUse((BERTH, CRANE), "required"), "tool_calls", 2),
        (ToolUse((BERTH, CRANE), "required", parallel=False), "tool_calls", 1),
        (ToolUse((BERTH, CRANE), "named", "crane"), "stop", 1),
        (ToolUse((BERTH, CRANE), "none"), "stop", 0),
    ],
    ids=["required", "one-at-a-time", "named", "none"],
)
async def test_every_choice_is_passed_on(
    peer: OpenAIPeer, tools: ToolUse, reason: str, count: int
) -> None:
    async with running(peer.base_url, "calls") as engine:
        written = await written_by(engine, request(tools))
    assert (len(written.calls), written.finish_reason) == (count, reason)


async def test_a_piece_of_a_call_is_a_sign_of_life(peer: OpenAIPeer) -> None:
    limits = Limits(first_token_timeout_s=0.5, inter_token_timeout_s=0.2)
    prompt = Prompt(messages=(ASKED,), tools=ToolUse((BERTH, CRANE)))
    async with running(peer.base_url, "calls-slowly", limits) as engine:
        deltas = await deltas_of(engine, "slow", prompt=prompt)
        assert deltas[-1].finish_reason == "tool_calls"
    async with running(peer.base_url, "calls-and-stalls", limits) as engine:
        with pytest.raises(DeadlineExceeded, match="in the middle"):
            await deltas_of(engine, "stalls", prompt=prompt)


async def test_functions_are_counted_with_the_prompt(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "calls") as engine:
        alone = await engine.count_tokens(Prompt(messages=(ASKED,)))
        offered = await engine.count_tokens(Prompt(messages=(ASKED,), tools=ToolUse((BERTH,))))
    assert offered > alone + 20


async def test_the_first_piece_of_a_call_begins_the_answer(peer: OpenAIPeer) -> None:
    async with running(peer.base_url, "calls") as engine:
        writer = Writer(engine, model="m", defaults=SamplingArgs(), window_s=0.0)
        stream = writer.stream(request(ToolUse((BERTH,))), call=CALL)
        batches = [batch async for batch in stream]
    first = batches[0][1]
    assert isinstance(first, TextDelta)
    assert (first.text, first.calls[0].name) == ("", "book")
    assert Sampling().asked() == []
