"""A stream over a handle: tried again before its first item, never after."""

import asyncio
import warnings
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from app.settings.cold.breaker import BreakerArgs
from app.settings.cold.gateway import GatewayArgs
from app.stages.breaker import Breakers
from deployments.contracts.calls import CallContext, StageCall, StageOutcome
from deployments.contracts.errors import DeadlineExceeded, InvalidRequest, RagError, Unavailable
from tests.generator_doubles import read_to_failure

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    from ray.exceptions import ActorDiedError

    from app.stages.handle import StageHandle

CALL = CallContext("request", 2.0)


class Response:
    """A handle's streaming response."""

    def __init__(self, items: list[Any]) -> None:
        self._items = iter(items)
        self.cancelled = False

    def __aiter__(self) -> "Response":
        return self

    async def __anext__(self) -> StageOutcome:
        await asyncio.sleep(0)
        item = next(self._items, None)
        if item is None:
            raise StopAsyncIteration
        if item == "silence":
            await asyncio.sleep(3600)
        if isinstance(item, BaseException) and not isinstance(item, RagError):
            raise item
        return StageOutcome(error=item) if isinstance(item, RagError) else StageOutcome(item)

    def cancel(self) -> None:
        self.cancelled = True


class Handle:
    """What Serve gives for a deployment; plays one response per call."""

    def __init__(self, *plays: list[Any]) -> None:
        self.responses = [Response(items) for items in plays]
        self.calls: list[StageCall] = []

    def options(self, *, method_name: str, stream: bool) -> "Handle":
        assert (method_name, stream) == ("run_stream", True)
        return self

    def remote(self, call: StageCall) -> Response:
        self.calls.append(call)
        return self.responses[len(self.calls) - 1]


def stream(handle: Handle, next_timeout_s: float = 1.0) -> AsyncGenerator[Any, None]:
    stage = StageHandle("generator-a", "Generator", GatewayArgs(), Breakers(BreakerArgs()))
    stage._handle = handle
    return stage.call_stream(
        "stream",
        "question",
        call=CALL,
        begin_timeout_s=CALL.timeout_s,
        next_timeout_s=next_timeout_s,
    )


async def items_of(handle: Handle, next_timeout_s: float = 1.0) -> list[Any]:
    return [item async for item in stream(handle, next_timeout_s)]


async def test_items_come_in_order() -> None:
    handle = Handle([1, 2, 3])
    assert await items_of(handle) == [1, 2, 3]
    assert handle.calls[0].args == ("question",)


async def test_a_replica_that_went_away_before_the_first_item_is_asked_again() -> None:
    handle = Handle([ActorDiedError()], [1, 2])
    assert await items_of(handle) == [1, 2]
    assert handle.calls[1].context.timeout_s < CALL.timeout_s


async def test_one_that_went_away_later_is_not() -> None:
    handle = Handle([1, ActorDiedError()], [1, 2])
    seen, error = await read_to_failure(stream(handle))
    assert seen == [1]
    assert isinstance(error, Unavailable)
    assert len(handle.calls) == 1


async def test_what_the_stage_raised_is_raised() -> None:
    handle = Handle([InvalidRequest("no")])
    with pytest.raises(InvalidRequest):
        await items_of(handle)
    assert len(handle.calls) == 1


async def test_silence_ends_a_stream() -> None:
    handle = Handle([1, "silence"])
    with pytest.raises(DeadlineExceeded):
        await items_of(handle, next_timeout_s=0.05)
    assert handle.responses[0].cancelled


async def test_the_requests_time_ends_it_too() -> None:
    handle = Handle(["silence"])
    stage = StageHandle("generator-a", "Generator", GatewayArgs(), Breakers(BreakerArgs()))
    stage._handle = handle
    short = CallContext("request", 0.05)
    seen, error = await read_to_failure(
        stage.call_stream("stream", call=short, begin_timeout_s=5, next_timeout_s=5)
    )
    assert seen == []
    assert isinstance(error, DeadlineExceeded)


async def test_closing_cancels_the_call() -> None:
    handle = Handle([1, "silence"])
    async with aclosing(stream(handle)) as items:
        assert await anext(items) == 1
    assert handle.responses[0].cancelled


class Together:
    """A handle whose calls wait until they are let go, and remember who travelled with whom."""

    def __init__(self) -> None:
        self.travelled: list[list[str]] = []
        self.run = self

    def remote(self, calls: list[StageCall]) -> "Whole":
        self.travelled.append([call.context.request_id for call in calls])
        return Whole([StageOutcome(call.context.request_id) for call in calls])


class Whole:
    """A handle's response."""

    def __init__(self, outcomes: list[StageOutcome]) -> None:
        self._outcomes = outcomes

    def __await__(self) -> Any:
        yield from asyncio.sleep(0.01).__await__()
        return self._outcomes


async def test_what_nobody_waits_for_travels_apart() -> None:
    handle = Together()
    stage = StageHandle("retrieval-a", "Embedder", GatewayArgs(), Breakers(BreakerArgs()))
    stage._handle = handle
    contexts = [CallContext(f"q{n}", 2.0) for n in range(3)]
    contexts += [CallContext(f"line{n}", 2.0, background=True) for n in range(3)]
    async with asyncio.TaskGroup() as group:
        asked = [
            group.create_task(stage.call("embed", call=context, weight=1)) for context in contexts
        ]
    assert [one.result() for one in asked] == [context.request_id for context in contexts]
    assert sorted(handle.travelled) == [["line0", "line1", "line2"], ["q0", "q1", "q2"]]


async def test_a_deployment_that_an_application_does_not_have_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Serve raises a KeyError, which nobody else should have to know."""

    def find(deployment: str, application: str) -> None:
        raise KeyError(f"{deployment} of {application} does not exist.")

    monkeypatch.setattr("ray.serve.get_deployment_handle", find)
    stage = StageHandle("retrieval", "Retriever-3", GatewayArgs(), Breakers(BreakerArgs()))
    with pytest.raises(Unavailable, match="not deployed"):
        await stage.call("search", call=CALL)
