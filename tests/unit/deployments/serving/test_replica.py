"""Calls of several requests that arrive as one."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence

import pytest

from deployments.contracts.calls import CallContext, StageCall
from deployments.contracts.errors import Overloaded, StageFailed
from deployments.contracts.search import Embedded, InputType
from deployments.serving.replica import StageReplica
from tests.doubles import DIMENSION, HashEmbedder


class Shell(StageReplica, HashEmbedder):
    """Embeds like the double; fails at the texts that say so."""

    def __init__(self) -> None:
        super().__init__()
        self.together = 0

    async def embed(
        self,
        texts: Sequence[str],
        *,
        input_type: InputType,
        with_tokens: bool = False,
        call: CallContext,
    ) -> Embedded:
        self.together += 1
        await asyncio.sleep(0.01)
        at_once, self.together = self.together, 0
        if texts == ["full"]:
            raise Overloaded("Full.", "embedder", 2.0)
        if texts == ["broken"]:
            raise KeyError("secret")
        assert at_once in (0, 3)
        return await super().embed(texts, input_type=input_type, call=call)


def embed(text: str) -> StageCall:
    return StageCall("embed", ([text],), {"input_type": "query"}, CallContext("request", 5.0))


async def test_each_call_has_its_own_outcome(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="ray.serve"):
        good, full, broken = await Shell().run([embed("text"), embed("full"), embed("broken")])
    assert isinstance(good.value, Embedded)
    assert good.error is None
    assert isinstance(full.error, Overloaded)
    assert full.error.retry_after_s == 2.0
    assert isinstance(broken.error, StageFailed)
    assert "secret" not in str(broken.error)
    assert "secret" in caplog.text, "the cause is in the stage's log"


async def test_the_time_in_the_replica_is_told() -> None:
    outcomes = await Shell().run([embed("a"), embed("b"), embed("c")])
    for outcome in outcomes:
        assert isinstance(outcome.value, Embedded)
        assert outcome.value.times.replica_ms >= 10


async def test_what_has_no_room_for_times_comes_back_as_it_is() -> None:
    describe = StageCall("describe", (), {}, CallContext("request", 5.0))
    [outcome] = await Shell().run([describe])
    assert outcome.value == {"model": "shell-double", "dimension": DIMENSION}


class Streaming(StageReplica):
    """A stage that yields, and notes that it was closed."""

    def __init__(self) -> None:
        self.closed = False

    async def count(self, end: int, *, call: CallContext) -> AsyncGenerator[int, None]:
        try:
            for number in range(end):
                yield number
            if end == 13:
                raise Overloaded("no more", "counter")
        finally:
            self.closed = True


async def test_a_stream_that_is_called_comes_back_whole() -> None:
    stage = Streaming()
    context = CallContext("request", 5.0)
    whole, broken = await stage.run(
        [StageCall("count", (3,), {}, context), StageCall("count", (13,), {}, context)]
    )
    assert whole.value == (0, 1, 2)
    assert isinstance(broken.error, Overloaded)
    assert stage.closed
