"""From a request to the events of its answer, over a language model that echoes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pytest

from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Chunk
from deployments.contracts.errors import InvalidRequest, PromptTooLong, StageFailed
from deployments.contracts.generation import (
    EngineDelta,
    Generation,
    GenerationEvent,
    GenerationRequest,
    Message,
    Prompt,
    Sampling,
    Started,
    TextDelta,
    collect,
)
from deployments.contracts.search import ScoredChunk
from deployments.generator.config import SamplingArgs
from deployments.generator.extractive.engine import NO_INFORMATION, ExtractiveEngine
from deployments.generator.writing import Writer
from tests.generator_doubles import EchoEngine, read_to_failure

CALL = CallContext("request", 5.0)


def hit(rank: int, text: str) -> ScoredChunk:
    return ScoredChunk(Chunk(f"c{rank}", "d", rank, text, "d.md", "Title"), 1 / rank, rank)


def writer(engine: EchoEngine, **defaults: object) -> Writer:
    sampling = SamplingArgs.model_validate(defaults)
    return Writer(engine, model="echo", defaults=sampling, window_s=0.0)


def quoting(engine: ExtractiveEngine) -> Writer:
    return Writer(engine, model="quotes", defaults=SamplingArgs(), window_s=0.0)


def plain(text: str, **sampling: object) -> GenerationRequest:
    return GenerationRequest(
        messages=(Message("user", text),),
        sampling=Sampling(**sampling),  # type: ignore[arg-type]
    )


def grounded_in(*texts: str, question: str = "Where?") -> GenerationRequest:
    return GenerationRequest(
        messages=(Message("user", question),),
        context=tuple(hit(rank, text) for rank, text in enumerate(texts, start=1)),
        prompt="answer-v1",
    )


async def events_of(engine: EchoEngine, request: GenerationRequest) -> list[GenerationEvent]:
    return [event async for some in writer(engine).stream(request, call=CALL) for event in some]


async def test_events_come_in_order_and_the_last_one_holds_the_whole() -> None:
    events = await events_of(EchoEngine(), plain("one two three"))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Generation)
    deltas = events[1:-1]
    assert all(isinstance(event, TextDelta) for event in deltas)
    assert (
        "".join(event.text for event in deltas if isinstance(event, TextDelta)) == "one two three"
    )
    whole = events[-1]
    assert (whole.text, whole.completion_tokens, whole.finish_reason) == (
        "one two three",
        3,
        "stop",
    )
    assert whole.model == "echo"
    assert whole.prompt_tokens == events[0].prompt_tokens == 3


async def test_the_whole_answer_is_the_end_of_the_stream() -> None:
    whole = await collect(writer(EchoEngine()).stream(plain("one two"), call=CALL))
    assert whole.text == "one two"
    assert 0 < whole.ttft_ms <= whole.times.replica_ms


async def test_what_a_request_does_not_say_is_the_generators() -> None:
    engine = EchoEngine()
    own = writer(engine, max_tokens=7, temperature=0.2, top_k=4)
    await collect(own.stream(plain("a", temperature=0.0), call=CALL))
    sampling = engine.sampling[0]
    assert (sampling.max_tokens, sampling.temperature, sampling.top_k) == (7, 0.0, 4)
    assert sampling.top_p is None


async def test_length_is_told() -> None:
    whole = await collect(writer(EchoEngine()).stream(plain("a b c", max_tokens=2), call=CALL))
    assert (whole.text, whole.finish_reason) == ("a b ", "length")


async def test_citations_are_found_where_the_text_has_them() -> None:
    engine = EchoEngine()
    engine.max_model_tokens = None
    request = grounded_in("The tower is in Paris.", question="It is in Paris [1]. Not [9].")
    events = await events_of(engine, request)
    whole = events[-1]
    assert isinstance(whole, Generation)
    # The echo repeats the user's whole message, the question in it.
    end = whole.text.index("Paris [1]") + len("Paris [1]")
    assert [(one.end, one.source) for one in whole.citations] == [(end, 1)]
    told = [one for event in events if isinstance(event, TextDelta) for one in event.citations]
    assert tuple(told) == whole.citations
    assert whole.grounded
    assert whole.prompt == "answer-v1"


async def test_nothing_found_needs_no_model() -> None:
    engine = EchoEngine()
    whole = await collect(writer(engine).stream(grounded_in(), call=CALL))
    assert (whole.text, whole.grounded, whole.completion_tokens) == (NO_INFORMATION, False, 0)
    assert engine.prompts == []


async def test_nothing_found_for_a_question_in_another_language_says_so() -> None:
    request = replace(grounded_in(), question="Wie kann ich die Winde benutzen?")
    whole = await collect(writer(EchoEngine()).stream(request, call=CALL))
    assert whole.text.startswith(f"{NO_INFORMATION} The question is in German: ask in")
    assert not whole.grounded


class Quoting(ExtractiveEngine):
    """Keeps what it was given."""

    def __init__(self) -> None:
        super().__init__(model="quotes", max_sentences=1, min_coverage_ratio=0.0)
        self.prompts: list[Prompt] = []

    async def stream(
        self, prompt: Prompt, sampling: Sampling, *, call: CallContext
    ) -> AsyncGenerator[EngineDelta, None]:
        self.prompts.append(prompt)
        async for delta in super().stream(prompt, sampling, call=call):
            yield delta


async def test_no_messages_are_written_for_an_engine_that_quotes() -> None:
    engine = Quoting()
    request = grounded_in("The tower is in Paris.", question="Where is the tower?")
    whole = await collect(quoting(engine).stream(request, call=CALL))
    (prompt,) = engine.prompts
    assert (prompt.messages, prompt.question) == ((), "Where is the tower?")
    assert whole.text == "The tower is in Paris. [1]"


async def test_an_engine_that_quotes_is_not_asked_after_an_answer() -> None:
    request = replace(grounded_in("a fact"), messages=(Message("assistant", "Because."),))
    with pytest.raises(InvalidRequest):
        await collect(quoting(Quoting()).stream(request, call=CALL))


async def test_the_context_is_cut_to_the_window() -> None:
    engine = EchoEngine()
    engine.max_model_tokens = 600
    request = grounded_in(*["word " * 100] * 10)
    whole = await collect(writer(engine, max_tokens=20).stream(request, call=CALL))
    assert 1 <= len(whole.context) < 10
    assert whole.context == tuple(range(1, len(whole.context) + 1))
    assert whole.prompt_tokens <= 580


async def test_a_question_that_leaves_no_room_is_refused() -> None:
    engine = EchoEngine()
    engine.max_model_tokens = 64
    with pytest.raises(PromptTooLong):
        await collect(writer(engine).stream(grounded_in("text", question="why " * 100), call=CALL))


async def test_a_raw_text_is_passed_on_as_it_is() -> None:
    engine = EchoEngine()
    request = GenerationRequest(text="Once upon [1]")
    assert (await collect(writer(engine).stream(request, call=CALL))).text == "Once upon [1]"
    assert engine.prompts[0].messages == ()


async def test_no_message_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(InvalidRequest):
        await collect(writer(EchoEngine()).stream(GenerationRequest(), call=CALL))


async def test_a_prompt_without_context_rewrites_the_conversation() -> None:
    engine = EchoEngine()
    turns = (Message("user", "Who?"), Message("assistant", "Ada."), Message("user", "When?"))
    request = GenerationRequest(messages=turns, prompt="condense-v1")
    await collect(writer(engine).stream(request, call=CALL))
    written = engine.prompts[0].messages
    assert written[0].role == "system"
    assert "When?" in written[-1].content


async def test_logprobs_are_those_of_every_token() -> None:
    whole = await collect(writer(EchoEngine()).stream(plain("a b c", top_logprobs=0), call=CALL))
    assert [one.token for one in whole.logprobs] == ["a ", "b ", "c"]


async def test_a_failure_comes_after_what_was_written() -> None:
    engine = EchoEngine()
    engine.fails_after = 2
    seen, error = await read_to_failure(writer(engine).stream(plain("a b c d"), call=CALL))
    assert isinstance(error, StageFailed)
    text = "".join(e.text for some in seen for e in some if isinstance(e, TextDelta))
    assert text == "a b "


async def test_closing_frees_the_engine() -> None:
    engine = EchoEngine()
    engine.gate = asyncio.Event()
    engine.gate.set()
    async with aclosing(writer(engine).stream(plain("a b c"), call=CALL)) as stream:
        await anext(stream)
        engine.gate.clear()
        assert engine.running == 1
    assert engine.running == 0
