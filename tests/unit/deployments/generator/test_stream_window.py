"""When the pieces of a stream are passed on, and that nothing of it is lost."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.generator.stream_window import gather_within
from tests.generator_doubles import read_to_failure

WINDOW_S = 0.03


class Source:
    """Yields numbers with pauses before them; says whether it was closed."""

    def __init__(self, pauses_s: Sequence[float], failure: Exception | None = None) -> None:
        self._pauses_s = pauses_s
        self._failure = failure
        self.closed = False

    async def numbers(self) -> AsyncGenerator[int, None]:
        try:
            for number, pause_s in enumerate(self._pauses_s):
                await asyncio.sleep(pause_s)
                yield number
            if self._failure is not None:
                raise self._failure
        finally:
            self.closed = True


async def gathered(source: Source, window_s: float = WINDOW_S) -> list[tuple[float, list[int]]]:
    """Returns what came out, with the time at which it did."""
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    stream = gather_within(source.numbers(), window_s)
    return [(loop.time() - started_s, some) async for some in stream]


async def test_the_first_piece_never_waits() -> None:
    out = await gathered(Source([0, 0.2]))
    assert out[0][1] == [0]
    assert out[0][0] < WINDOW_S


async def test_pieces_of_one_window_travel_together() -> None:
    out = await gathered(Source([0.001] * 20))
    assert out[0][1] == [0]
    assert len(out) <= 4, "20 pieces within about 25 ms, a window of 30 ms"
    assert [number for _, some in out for number in some] == list(range(20))


async def test_a_piece_after_a_pause_is_passed_on_at_once() -> None:
    out = await gathered(Source([0, 0.1, 0.1]))
    assert [some for _, some in out] == [[0], [1], [2]]
    assert out[1][0] < 0.1 + WINDOW_S


async def test_the_end_does_not_wait_for_the_window() -> None:
    out = await gathered(Source([0, 0]), window_s=5.0)
    assert [number for _, some in out for number in some] == [0, 1]
    assert out[-1][0] < 1.0


async def test_what_came_before_a_failure_is_passed_on() -> None:
    source = Source([0, 0, 0], failure=ValueError("broken"))
    seen, error = await read_to_failure(gather_within(source.numbers(), WINDOW_S))
    assert str(error) == "broken"
    assert [number for some in seen for number in some] == [0, 1, 2]
    assert source.closed


async def test_closing_closes_the_source_at_once() -> None:
    source = Source([0, 3600])
    async with aclosing(gather_within(source.numbers(), WINDOW_S)) as stream:
        assert await anext(stream) == [0]
    assert source.closed


async def test_cancelling_the_reader_closes_the_source() -> None:
    source = Source([0, 3600])
    reading = asyncio.create_task(gathered(source))
    await asyncio.sleep(0.02)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await asyncio.sleep(0)
    assert source.closed


@settings(max_examples=30)
@given(st.lists(st.sampled_from([0.0, 0.0, 0.001, 0.004]), max_size=12))
def test_nothing_is_lost_or_reordered(pauses_s: list[float]) -> None:
    out = asyncio.run(gathered(Source(pauses_s), window_s=0.002))
    assert [number for _, some in out for number in some] == list(range(len(pauses_s)))
    assert all(some for _, some in out)
