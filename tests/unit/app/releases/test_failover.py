"""Which generator answers when the preferred one cannot."""

import asyncio
from dataclasses import replace

import pytest

from app.releases.failover import GeneratorChain
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import (
    DeadlineExceeded,
    InvalidRequest,
    Overloaded,
    RagError,
    StageFailed,
    Unavailable,
    UnsupportedField,
)
from deployments.contracts.generation import (
    Generation,
    GenerationRequest,
    Message,
    TextDelta,
    collect,
)
from deployments.contracts.tools import Tool, ToolUse
from tests.generator_doubles import EchoGenerator, ExtractiveGenerator, read_to_failure

CALL = CallContext("request", 5.0)
ASKED = GenerationRequest(messages=(Message("user", "one two three"),))


class Targets:
    """Two language models, `a` before `b`."""

    def __init__(self, first_token_timeout_s: float = 1.0) -> None:
        self.a, self.b = EchoGenerator(), EchoGenerator()
        self.patience_s = first_token_timeout_s

    def chain(self, *names: str) -> GeneratorChain:
        targets = [getattr(self, name) for name in names or ("a", "b")]
        return GeneratorChain(targets, self.patience_s)

    async def generate(self, call: CallContext = CALL, timeout_s: float = 60.0) -> Generation:
        return await collect(await self.chain().begin(ASKED, call=call, timeout_s=timeout_s))


@pytest.fixture
def targets() -> Targets:
    return Targets()


async def test_the_first_one_answers_as_long_as_it_can(targets: Targets) -> None:
    written = await targets.generate()
    assert (written.text, written.passed_over) == ("one two three", 0)
    assert targets.b.calls == 0


@pytest.mark.parametrize(
    "failure",
    [Unavailable("x"), StageFailed("x"), Overloaded("x"), DeadlineExceeded("x")],
    ids=lambda one: one.code,
)
async def test_the_next_one_answers_when_it_cannot(targets: Targets, failure: RagError) -> None:
    targets.a.failure = failure
    written = await targets.generate()
    assert (written.text, written.passed_over) == ("one two three", 1)


async def test_a_target_that_does_not_begin_is_passed_over() -> None:
    targets = Targets(first_token_timeout_s=0.05)
    targets.a.engine.gate = asyncio.Event()
    written = await targets.generate()
    assert written.passed_over == 1
    assert targets.a.engine.running == 0, "the one that did not begin was stopped"


@pytest.mark.parametrize("timeout_s", [0.4, 60.0], ids=["whole", "stream"])
async def test_there_is_time_for_the_next_one_whatever_the_limits_are(timeout_s: float) -> None:
    targets = Targets(first_token_timeout_s=30.0)
    targets.a.engine.gate = asyncio.Event()
    written = await targets.generate(CallContext("request", 0.4), timeout_s)
    assert written.passed_over == 1


async def test_a_stream_that_nobody_reads_frees_its_engine_when_it_is_closed(
    targets: Targets,
) -> None:
    events = await targets.chain().begin(ASKED, call=CALL, timeout_s=5.0)
    assert targets.a.engine.running == 1
    await events.aclose()
    assert targets.a.engine.running == 0


async def test_the_callers_mistake_is_told_at_once(targets: Targets) -> None:
    targets.a.failure = InvalidRequest("x")
    with pytest.raises(InvalidRequest):
        await targets.generate()
    assert targets.b.calls == 0


async def test_after_the_first_piece_nobody_else_begins_again(targets: Targets) -> None:
    targets.a.engine.fails_after = 2
    seen, error = await read_to_failure(
        await targets.chain().begin(ASKED, call=CALL, timeout_s=5.0)
    )
    assert isinstance(error, StageFailed)
    text = [event.text for batch in seen for event in batch if isinstance(event, TextDelta)]
    assert text == ["one ", "two "]
    assert targets.b.calls == 0


async def test_the_last_ones_failure_is_the_answer(targets: Targets) -> None:
    targets.a.failure, targets.b.failure = Unavailable("a"), Overloaded("b", None, 3.0)
    with pytest.raises(Overloaded, match="b"):
        await targets.generate()


async def test_it_says_what_the_first_that_answers_says(targets: Targets) -> None:
    assert (await targets.chain().describe(call=CALL))["model"] == "echo"
    targets.a.failure = Unavailable("x")
    assert (await targets.chain().describe(call=CALL))["language_model"] is True
    targets.b.failure = Unavailable("y")
    with pytest.raises(Unavailable, match="y"):
        await targets.chain().describe(call=CALL)


WITH_TOOLS = replace(ASKED, tools=ToolUse((Tool("book"),)))


async def test_only_who_calls_functions_is_asked_to(targets: Targets) -> None:
    targets.a.engine.tool_choices = ("required", "named")
    targets.b.engine.script = [("", [("book", "{}")])]
    written = await collect(await targets.chain().begin(WITH_TOOLS, call=CALL, timeout_s=60.0))
    assert [call.name for call in written.calls] == ["book"]
    assert written.passed_over == 0, "who cannot has not failed"
    assert not targets.a.asked


async def test_who_is_away_may_call_functions(targets: Targets) -> None:
    targets.a.failure = Unavailable("x")
    targets.b.engine.script = [("", [("book", "{}")])]
    written = await collect(await targets.chain().begin(WITH_TOOLS, call=CALL, timeout_s=60.0))
    assert (len(written.calls), written.passed_over) == (1, 1)


async def test_where_nobody_calls_functions_the_first_one_says_so(targets: Targets) -> None:
    chain = GeneratorChain([ExtractiveGenerator(), ExtractiveGenerator()], 1.0)
    request = replace(WITH_TOOLS, context=(), prompt="answer-v2")
    with pytest.raises(UnsupportedField, match="is no language model and cannot honour 'tools'"):
        await collect(await chain.begin(request, call=CALL, timeout_s=60.0))
