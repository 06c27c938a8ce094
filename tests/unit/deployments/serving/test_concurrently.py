"""Several things at once, of which none runs on."""

import asyncio

import pytest

from deployments.contracts.errors import Overloaded
from deployments.serving.concurrently import gather_or_cancel, gather_outcomes


class Steps:
    """Coroutines that say how far they came."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.cancelled: list[str] = []
        self.gate = asyncio.Event()

    async def returns(self, name: str) -> str:
        await asyncio.sleep(0)
        self.ended.append(name)
        return name

    async def waits(self, name: str) -> str:
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # it may have something to close
            self.cancelled.append(name)
            raise
        return name

    async def fails(self, error: Exception) -> str:
        await asyncio.sleep(0)
        raise error


@pytest.fixture
async def steps() -> Steps:
    return Steps()


async def test_values_come_in_order(steps: Steps) -> None:
    last_first = asyncio.ensure_future(steps.waits("a"))
    asyncio.get_running_loop().call_soon(steps.gate.set)
    assert await gather_or_cancel(last_first, steps.returns("b")) == ("a", "b")
    assert await gather_or_cancel() == ()


async def test_an_error_arrives_as_itself_when_the_others_have_ended(steps: Steps) -> None:
    full = Overloaded("Full.", "embedder", 2.0)
    with pytest.raises(Overloaded) as caught:
        await gather_or_cancel(steps.waits("a"), steps.fails(full), steps.waits("c"))
    assert caught.value is full
    assert steps.cancelled == ["a", "c"]


async def test_what_ends_badly_beside_the_first_error_is_not_reported_as_lost(
    steps: Steps, caplog: pytest.LogCaptureFixture
) -> None:
    async def closes_badly() -> str:
        try:
            return await steps.waits("a")
        except asyncio.CancelledError:
            raise KeyError("closing") from None

    first, second = ValueError("first"), ValueError("second")
    with pytest.raises(ValueError, match="first"):
        await gather_or_cancel(closes_badly(), steps.fails(first), steps.fails(second))
    await asyncio.sleep(0)
    assert not caplog.records


async def test_who_is_cancelled_takes_the_others_along(steps: Steps) -> None:
    together = asyncio.ensure_future(gather_or_cancel(steps.waits("a"), steps.waits("b")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    together.cancel()
    with pytest.raises(asyncio.CancelledError):
        await together
    assert steps.cancelled == ["a", "b"]


async def test_one_that_somebody_else_cancelled_fails_as_itself(steps: Steps) -> None:
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gather_or_cancel(future, steps.returns("b"))
    assert steps.ended == ["b"]


async def test_outcomes_wait_for_everybody(steps: Steps) -> None:
    failure = ValueError("one")
    assert await gather_outcomes(
        steps.fails(failure), steps.returns("b"), steps.fails(failure)
    ) == (failure, "b", failure)


async def test_outcomes_end_with_their_caller(steps: Steps) -> None:
    together = asyncio.ensure_future(gather_outcomes(steps.waits("a"), steps.waits("b")))
    for _ in range(3):
        await asyncio.sleep(0)
    together.cancel()
    with pytest.raises(asyncio.CancelledError):
        await together
    assert steps.cancelled == ["a", "b"]
