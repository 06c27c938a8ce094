"""A call that hangs while nothing fails: whether a copy is sent, and who is believed."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from app.settings.cold.hedging import HedgingArgs
from app.stages.coalescing import Coalescer
from app.stages.hedging import Hedging
from deployments.contracts.errors import Unavailable

LATE_S = 0.02


def hedging(has_others: bool = True, **settings: Any) -> Hedging:
    return Hedging(HedgingArgs(**{"after_s": LATE_S, **settings}), lambda: has_others)


class Replicas:
    """Answers a call as its place in the list says: after an event, or at once."""

    def __init__(self, *hang: bool) -> None:
        self._hang = list(hang)
        self.calls: list[list[str]] = []
        self.freed = asyncio.Event()
        self.failure: Exception | None = None

    async def send(self, items: Sequence[str]) -> list[str]:
        number = len(self.calls)
        self.calls.append(list(items))
        if number < len(self._hang) and self._hang[number]:
            await self.freed.wait()
            if self.failure is not None:
                raise self.failure
        return [f"{item}{number}" for item in items]


def over(replicas: Replicas, hedges: Hedging, max_calls: int = 1) -> Coalescer[str, str]:
    return Coalescer(replicas.send, max_calls=max_calls, max_items=4, max_weight=9, hedging=hedges)


async def test_a_copy_of_a_call_that_hangs_is_answered() -> None:
    replicas = Replicas(True)
    coalescer = over(replicas, hedging())
    assert await asyncio.gather(coalescer.submit("a"), coalescer.submit("b")) == ["a1", "b1"]
    assert replicas.calls == [["a", "b"], ["a", "b"]]
    # The one that hangs goes on, and keeps nobody from leaving.
    assert await asyncio.wait_for(coalescer.submit("c"), 1) == "c2"
    replicas.freed.set()


async def test_the_first_answer_counts_though_the_copy_is_away() -> None:
    replicas = Replicas(True, True)
    coalescer = over(replicas, hedging())
    asked = asyncio.create_task(coalescer.submit("a"))
    await asyncio.sleep(3 * LATE_S)
    assert len(replicas.calls) == 2
    replicas.freed.set()
    assert await asked == "a0"


async def test_a_failure_leaves_the_word_to_the_copy_and_the_last_one_is_told() -> None:
    replicas = Replicas(True, True)
    coalescer = over(replicas, hedging())
    replicas.failure = Unavailable("gone", "embedder", 1.0)
    asked = asyncio.create_task(coalescer.submit("a"))
    await asyncio.sleep(3 * LATE_S)
    replicas.freed.set()
    with pytest.raises(Unavailable, match="gone"):
        await asked


async def test_who_leaves_ends_both() -> None:
    replicas = Replicas(True, True)
    coalescer = over(replicas, hedging())
    asked = asyncio.create_task(coalescer.submit("a"))
    await asyncio.sleep(3 * LATE_S)
    asked.cancel()
    await asyncio.sleep(0.01)
    assert await asyncio.wait_for(coalescer.submit("b"), 1) == "b2"


@pytest.mark.parametrize(
    "hedges",
    [
        hedging(has_others=False),
        hedging(budget_ratio=0),
        hedging(after_s=10),
    ],
    ids=["one replica", "switched off", "not late"],
)
async def test_no_copy_is_sent(hedges: Hedging) -> None:
    replicas = Replicas(True)
    asked = asyncio.create_task(over(replicas, hedges).submit("a"))
    await asyncio.sleep(4 * LATE_S)
    assert len(replicas.calls) == 1
    replicas.freed.set()
    assert await asked == "a0"


async def test_copies_are_few_where_everything_hangs() -> None:
    replicas = Replicas(*[True] * 100)
    coalescer = over(replicas, hedging(), max_calls=100)
    asked = [asyncio.create_task(coalescer.submit(str(place), weight=9)) for place in range(40)]
    await asyncio.sleep(6 * LATE_S)
    assert len(replicas.calls) == 40 + 8
    replicas.freed.set()
    await asyncio.gather(*asked)


def test_what_is_late_follows_what_is_usual() -> None:
    hedges = hedging(after_s=1.0, times_slower=3.0)
    assert hedges.late_after_s() == 1.0
    for took_s in [0.02] * 95 + [30.0] * 5:
        hedges.note(took_s)
    assert hedges.late_after_s() == 1.0
    for _ in range(100):
        hedges.note(2.0)
    assert hedges.late_after_s() == 6.0


def test_calls_earn_copies() -> None:
    hedges = hedging(budget_ratio=0.1)
    while hedges.take():
        pass
    for _ in range(9):
        hedges.note(0.01)
    assert not hedges.take()
    for _ in range(2):
        hedges.note(0.01)
    assert hedges.take()
    assert not hedges.take()
