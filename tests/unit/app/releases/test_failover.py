"""Which generator answers when the preferred one cannot."""

import asyncio
from contextlib import aclosing

import pytest

from app.releases.failover import Breakers, GeneratorChain
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import (
    DeadlineExceeded,
    InvalidRequest,
    Overloaded,
    RagError,
    StageFailed,
    Unavailable,
)
from deployments.contracts.generation import Generation, GenerationRequest, Message, TextDelta
from tests.doubles import EchoGenerator, read_to_failure

CALL = CallContext("request", 5.0)
ASKED = GenerationRequest(messages=(Message("user", "one two three"),))


class Targets:
    """Two language models, `a` before `b`."""

    def __init__(self, first_token_timeout_s: float = 1.0) -> None:
        self.a, self.b = EchoGenerator(), EchoGenerator()
        self.breakers = Breakers()
        self.patience_s = first_token_timeout_s

    def chain(self, *names: str) -> GeneratorChain:
        targets = [(name, getattr(self, name)) for name in names or ("a", "b")]
        return GeneratorChain(targets, self.breakers, self.patience_s)

    async def generate(self, *names: str) -> Generation:
        return await self.chain(*names).generate(ASKED, call=CALL)


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


async def test_the_callers_mistake_is_told_at_once(targets: Targets) -> None:
    targets.a.failure = InvalidRequest("x")
    with pytest.raises(InvalidRequest):
        await targets.generate()
    assert targets.b.calls == 0


async def test_after_the_first_piece_nobody_else_begins_again(targets: Targets) -> None:
    targets.a.engine.fails_after = 2
    seen, error = await read_to_failure(targets.chain().stream(ASKED, call=CALL))
    assert isinstance(error, StageFailed)
    text = [event.text for some in seen for event in some if isinstance(event, TextDelta)]
    assert text == ["one ", "two "]
    assert targets.b.calls == 0


async def test_the_last_ones_failure_is_the_answer(targets: Targets) -> None:
    targets.a.failure, targets.b.failure = Unavailable("a"), Overloaded("b", None, 3.0)
    with pytest.raises(Overloaded, match="b"):
        await targets.generate()


async def test_one_that_keeps_failing_is_left_alone(targets: Targets) -> None:
    targets.a.failure = Unavailable("x")
    for _ in range(8):
        await targets.generate()
    assert targets.a.calls == 5
    assert targets.b.calls == 8


async def test_a_broken_stream_counts_as_a_failure(targets: Targets) -> None:
    targets.a.engine.fails_after = 1
    for _ in range(5):
        with pytest.raises(StageFailed):
            await targets.generate("a")
    with pytest.raises(Unavailable, match="left alone") as caught:
        await targets.generate("a")
    assert caught.value.retry_after_s
    assert targets.a.calls == 5


@pytest.mark.parametrize("failure", [InvalidRequest("x"), Overloaded("x")], ids=lambda e: e.code)
async def test_what_says_nothing_of_its_health_does_not_count(
    targets: Targets, failure: RagError
) -> None:
    targets.a.failure = failure
    for _ in range(7):
        with pytest.raises(type(failure)):
            await targets.generate("a")
    assert targets.a.calls == 7


async def test_clients_that_leave_do_not_count(targets: Targets) -> None:
    for _ in range(7):
        async with aclosing(targets.chain("a").stream(ASKED, call=CALL)) as events:
            await anext(events)
    assert (await targets.generate("a")).text == "one two three"
    assert targets.a.engine.running == 0


async def test_it_is_asked_again_after_a_while(
    targets: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets.a.failure = Unavailable("x")
    for _ in range(5):
        await targets.generate()
    targets.a.failure = None
    assert (await targets.generate()).passed_over == 1
    import purgatory.domain.model as purgatory

    later_s = purgatory.time.time() + 60
    monkeypatch.setattr(purgatory.time, "time", lambda: later_s)
    assert (await targets.generate()).passed_over == 0


async def test_it_says_what_the_first_that_answers_says(targets: Targets) -> None:
    assert (await targets.chain().describe(call=CALL))["model"] == "echo"
    targets.a.failure = Unavailable("x")
    assert (await targets.chain().describe(call=CALL))["language_model"] is True
    targets.b.failure = Unavailable("y")
    with pytest.raises(Unavailable, match="y"):
        await targets.chain().describe(call=CALL)
