"""Who travels with whom, and what becomes of those who leave or fail."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.stages.coalescing import Coalescer
from deployments.contracts.errors import Unavailable


class Line:
    """Answers in upper case, and only while it is `open`."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.cancelled: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.failure: Exception | None = None

    async def send(self, items: Sequence[str]) -> list[str]:
        self.calls.append(list(items))
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled.append(list(items))
            raise
        if self.failure is not None:
            raise self.failure
        return [item.upper() for item in items]


@pytest.fixture
async def line() -> Line:
    return Line()


def over(line: Line, **bounds: Any) -> Coalescer[str, str]:
    limits: dict[str, Any] = {"max_calls": 1, "max_items": 4, "max_weight": 100}
    return Coalescer(line.send, **{**limits, **bounds})


async def ask(coalescer: Coalescer[str, str], item: str, weight: int = 1) -> "asyncio.Task[str]":
    """A task whose item waits or travels by now."""
    task = asyncio.create_task(coalescer.submit(item, weight=weight))
    await settle()
    return task


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_is_alone_travels_at_once(line: Line) -> None:
    assert await over(line).submit("a") == "A"
    assert line.calls == [["a"]]


async def test_who_comes_in_the_same_turn_travels_together(line: Line) -> None:
    coalescer = over(line)
    assert await asyncio.gather(*(coalescer.submit(item) for item in "abc")) == ["A", "B", "C"]
    assert line.calls == [["a", "b", "c"]]


async def test_who_waits_for_a_call_to_come_back_leaves_together(line: Line) -> None:
    coalescer = over(line)
    line.open.clear()
    tasks = [await ask(coalescer, item) for item in "abc"]
    assert line.calls == [["a"]]
    line.open.set()
    assert await asyncio.gather(*tasks) == ["A", "B", "C"]
    assert line.calls == [["a"], ["b", "c"]]


async def test_as_many_calls_as_allowed_are_on_their_way(line: Line) -> None:
    coalescer = over(line, max_calls=2)
    line.open.clear()
    tasks = [await ask(coalescer, item) for item in "abcd"]
    assert line.calls == [["a"], ["b"]]
    line.open.set()
    await asyncio.gather(*tasks)
    assert line.calls[2:] == [["c", "d"]]


async def test_who_gathers_nobody_leaves_while_calls_are_allowed(line: Line) -> None:
    coalescer = over(line, max_calls=4)
    line.open.clear()
    tasks = [await ask(coalescer, item) for item in "abcd"]
    assert line.calls == [["a"], ["b"], ["c"], ["d"]]
    line.open.set()
    await asyncio.gather(*tasks)


async def test_the_more_calls_are_away_the_more_must_wait_for_another(line: Line) -> None:
    coalescer = over(line, max_calls=3, waiting_per_call=2, max_items=9)
    line.open.clear()
    tasks = [await ask(coalescer, item) for item in "abcdefghi"]
    assert line.calls == [["a"], ["b", "c"], ["d", "e", "f", "g"]]
    line.open.set()
    await asyncio.gather(*tasks)
    assert line.calls[3:] == [["h", "i"]]


async def test_a_call_that_hangs_keeps_nobody_waiting_for_company(line: Line) -> None:
    coalescer = over(line, max_calls=3, waiting_per_call=4, patience_s=0.02)
    line.open.clear()
    tasks = [await ask(coalescer, item) for item in "abc"]
    assert line.calls == [["a"]]
    await asyncio.sleep(0.03)
    assert line.calls == [["a"], ["b", "c"]]
    tasks.append(await ask(coalescer, "d"))
    await asyncio.sleep(0.03)
    assert line.calls == [["a"], ["b", "c"], ["d"]]
    line.open.set()
    assert await asyncio.gather(*tasks) == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    ("bounds", "weight"),
    [({"max_items": 3}, 1), ({"max_weight": 30, "max_items": 99}, 10)],
    ids=["items", "weight"],
)
async def test_a_full_call_waits_for_no_other(
    line: Line, bounds: dict[str, int], weight: int
) -> None:
    coalescer = over(line, **bounds)
    line.open.clear()
    tasks = [await ask(coalescer, item, weight) for item in "abcd"]
    assert line.calls == [["a"], ["b", "c", "d"]]
    line.open.set()
    await asyncio.gather(*tasks)


async def test_heavy_work_travels_alone_and_holds_nobody_up(line: Line) -> None:
    coalescer = over(line, max_weight=10)
    line.open.clear()
    tasks = [await ask(coalescer, "heavy", 11), await ask(coalescer, "light")]
    assert line.calls == [["heavy"], ["light"]]
    line.open.set()
    assert await asyncio.gather(*tasks) == ["HEAVY", "LIGHT"]


async def test_a_failure_is_told_to_everybody_by_an_object_of_their_own(line: Line) -> None:
    coalescer = over(line)
    line.failure = Unavailable("Gone.", "embedder", 1.0)
    outcomes = await asyncio.gather(
        *(coalescer.submit(item) for item in "ab"), return_exceptions=True
    )
    assert [type(one) for one in outcomes] == [Unavailable, Unavailable]
    assert outcomes[0] is not outcomes[1]
    line.failure = None
    assert await coalescer.submit("later") == "LATER"


async def test_an_answer_of_the_wrong_length_fails_its_call_alone() -> None:
    lengths = iter([0, 1])

    async def send(items: Sequence[str]) -> list[str]:
        return ["x"] * next(lengths)

    coalescer = Coalescer(send, max_calls=1, max_items=4, max_weight=4)
    with pytest.raises(ValueError, match="shorter"):
        await coalescer.submit("a")
    assert await coalescer.submit("b") == "x"


async def test_who_leaves_before_the_call_does_not_travel(line: Line) -> None:
    coalescer = over(line)
    line.open.clear()
    first, left, stays = [await ask(coalescer, item) for item in ("a", "left", "stays")]
    left.cancel()
    line.open.set()
    assert await asyncio.gather(first, stays) == ["A", "STAYS"]
    assert line.calls == [["a"], ["stays"]]


async def test_who_leaves_on_the_way_harms_nobody(line: Line) -> None:
    coalescer = over(line)
    line.open.clear()
    one = asyncio.create_task(coalescer.submit("a"))
    other = asyncio.create_task(coalescer.submit("b"))
    await settle()
    one.cancel()
    await settle()
    assert line.cancelled == []
    line.open.set()
    assert await other == "B"


async def test_a_call_that_nobody_awaits_is_cancelled_and_makes_room(line: Line) -> None:
    coalescer = over(line)
    line.open.clear()
    tasks = [asyncio.create_task(coalescer.submit(item)) for item in "ab"]
    await settle()
    waiting = await ask(coalescer, "c")
    for task in tasks:
        task.cancel()
    await settle()
    assert line.cancelled == [["a", "b"]]
    assert line.calls == [["a", "b"], ["c"]]
    line.open.set()
    assert await waiting == "C"


async def test_a_call_that_is_cancelled_from_outside_leaves_nobody_waiting() -> None:
    async def send(items: Sequence[str]) -> list[str]:
        raise asyncio.CancelledError

    coalescer = Coalescer(send, max_calls=1, max_items=4, max_weight=4)
    with pytest.raises(asyncio.CancelledError):
        await coalescer.submit("a")


@settings(max_examples=60)
@given(
    weights=st.lists(st.integers(1, 20), max_size=20),
    max_calls=st.integers(1, 3),
    max_items=st.integers(1, 5),
    max_weight=st.integers(1, 25),
)
def test_everybody_travels_once_and_no_call_is_over_its_bounds(
    weights: list[int], max_calls: int, max_items: int, max_weight: int
) -> None:
    calls: list[list[int]] = []
    under_way = 0

    async def send(items: Sequence[int]) -> list[int]:
        nonlocal under_way
        calls.append(list(items))
        under_way += 1
        await asyncio.sleep(0)
        under_way -= 1
        return [-item for item in items]

    async def run() -> list[int]:
        coalescer = Coalescer(send, max_calls=max_calls, max_items=max_items, max_weight=max_weight)
        return await asyncio.gather(
            *(coalescer.submit(place, weight=weight) for place, weight in enumerate(weights))
        )

    assert asyncio.run(run()) == [-place for place in range(len(weights))]
    assert sorted(place for call in calls for place in call) == list(range(len(weights)))
    for call in calls:
        assert len(call) <= max_items
        assert sum(weights[place] for place in call) <= max_weight or len(call) == 1
