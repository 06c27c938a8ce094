"""The generator's shell as a plain class."""

import pytest

from deployments.contracts.calls import CallContext, StageCall
from deployments.contracts.documents import Chunk
from deployments.contracts.errors import Unavailable, UnsupportedField
from deployments.contracts.generation import (
    Generation,
    GenerationRequest,
    Message,
    Sampling,
    collect,
)
from deployments.contracts.search import ScoredChunk
from deployments.generator.deployment import Generator

CALL = CallContext("request", 5.0)
ASKED = GenerationRequest(
    messages=(Message("user", "How tall is the tower?"),),
    context=(ScoredChunk(Chunk("c", "d", 0, "The tower is 330 m tall.", "d.md", ""), 0.9, 1),),
    prompt="answer-v1",
)


@pytest.fixture
async def generator() -> Generator:
    shell = Generator.__new__(Generator)
    await shell.__init__({})  # type: ignore[misc]
    return shell


async def test_a_whole_answer_and_a_streamed_one_are_the_same(generator: Generator) -> None:
    whole = await collect(generator.stream(ASKED, call=CALL))
    assert whole.text == "The tower is 330 m tall. [1]"
    assert whole.grounded
    call = StageCall("stream", (ASKED,), {}, CALL)
    events = [event async for one in generator.run_stream(call) for event in one.value]  # type: ignore[attr-defined]
    assert isinstance(events[-1], Generation)
    assert (events[-1].text, events[-1].citations) == (whole.text, whole.citations)


async def test_a_streams_error_is_its_last_outcome(generator: Generator) -> None:
    asked = GenerationRequest(messages=ASKED.messages)
    outcomes = [one async for one in generator.run_stream(StageCall("stream", (asked,), {}, CALL))]
    assert [type(one.error) for one in outcomes] == [UnsupportedField]


@pytest.mark.parametrize("wish", [{"top_k": 3}, {"top_logprobs": 1}, {"min_tokens": 2}], ids=str)
async def test_what_takes_a_language_model_is_refused_by_name(
    generator: Generator, wish: dict[str, object]
) -> None:
    name = {"top_logprobs": "logprobs"}.get(*wish, *wish)
    asked = GenerationRequest(
        messages=ASKED.messages,
        context=ASKED.context,
        prompt="answer-v1",
        sampling=Sampling(**wish),  # type: ignore[arg-type]
    )
    with pytest.raises(UnsupportedField, match=name):
        await collect(generator.stream(asked, call=CALL))


async def test_wishes_that_hold_by_themselves_are_no_reason_to_refuse(generator: Generator) -> None:
    sampling = Sampling(temperature=0.7, seed=1, max_tokens=500, top_p=0.9)
    asked = GenerationRequest(
        messages=ASKED.messages, context=ASKED.context, prompt="answer-v1", sampling=sampling
    )
    assert (await collect(generator.stream(asked, call=CALL))).grounded


async def test_it_says_what_it_is(generator: Generator) -> None:
    facts = await generator.describe(call=CALL)
    assert facts["model"] == facts["engine"] == "extractive"
    assert facts["language_model"] is False
    assert "answer-v1" in facts["prompts"]  # type: ignore[operator]
    await generator.check_health()


async def test_one_whose_engine_is_dead_does_not_say_that_it_is_ready(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dead() -> None:
        raise Unavailable("The engine is dead.", "generator")

    monkeypatch.setattr(generator._engine, "check_health", dead)
    with pytest.raises(Unavailable, match="dead"):
        await generator.describe(call=CALL)
