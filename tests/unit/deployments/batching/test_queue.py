"""Whose turn it is: calls take turns by tokens, and nobody starves."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.batching.planning import plan_batch
from deployments.batching.queue import Completed, Entry, FairQueue


def plan(max_batch_requests: int = 4) -> Callable[[Sequence[int]], list[int]]:
    return partial(plan_batch, max_batch_tokens=100, max_batch_requests=max_batch_requests)


def call(*names: str, tokens: int = 10, deadline_s: float = 100.0) -> list[Entry[str, str]]:
    entries: list[Entry[str, str]] = []
    for name in names:
        future: asyncio.Future[Completed[str]] = asyncio.get_running_loop().create_future()
        entries.append(Entry(name, tokens, 0.0, deadline_s, future, entries))
    return entries


def drain(queue: FairQueue[str, str], max_batch_requests: int = 4) -> list[list[str]]:
    batches = []
    while queue:
        batch = queue.take(plan(max_batch_requests), window=8)
        batches.append([entry.item for entry in batch])
    return batches


async def test_single_entries_are_served_first_come_first_served() -> None:
    queue: FairQueue[str, str] = FairQueue()
    for name in "abcde":
        queue.add(call(name))
    assert drain(queue, max_batch_requests=2) == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_question_passes_what_a_large_call_has_left() -> None:
    queue: FairQueue[str, str] = FairQueue()
    queue.add(call(*(f"passage {number}" for number in range(12))))
    first = queue.take(plan(), window=8)
    queue.add(call("question"))
    following = queue.take(plan(), window=8)
    assert [entry.item for entry in first] == [f"passage {number}" for number in range(4)]
    assert "question" in [entry.item for entry in following]


async def test_a_large_call_is_not_starved_by_a_stream_of_questions() -> None:
    queue: FairQueue[str, str] = FairQueue()
    queue.add(call(*(f"passage {number}" for number in range(20)), tokens=25))
    served: list[str] = []
    for number in range(40):
        for place in range(4):
            queue.add(call(f"question {number}.{place}", tokens=25))
        served += [entry.item for entry in queue.take(plan(), window=8)]
    passages = [place for place, item in enumerate(served) if item.startswith("passage")]
    assert len(passages) == 20
    assert 70 <= passages[-1] <= 100


async def test_tokens_ahead_leave_out_what_a_newcomer_would_pass() -> None:
    queue: FairQueue[str, str] = FairQueue()
    queue.add(call("a"))
    queue.add(call(*"bcdefgh"))
    assert queue.tokens == 80
    assert queue.tokens_ahead() == 20


async def test_dead_entries_go_and_late_ones_are_returned() -> None:
    queue: FairQueue[str, str] = FairQueue()
    [left], [late], [stays] = call("left"), call("late", deadline_s=1.0), call("stays")
    for entry in (left, late, stays):
        queue.add([entry])
    left.future.cancel()
    assert queue.drop_dead(1.0) == [late]
    assert queue.tokens == 10
    assert drain(queue) == [["stays"]]


async def test_clearing_returns_everything() -> None:
    queue: FairQueue[str, str] = FairQueue()
    queue.add(call(*"abc"))
    assert [entry.item for entry in queue.clear()] == ["a", "b", "c"]
    assert (len(queue), queue.tokens) == (0, 0)


@settings(max_examples=60)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=30), st.integers(1, 6))
def test_an_entry_waits_at_most_for_the_batches_of_those_before_it(
    lengths: list[int], max_requests: int
) -> None:
    """Every batch holds the oldest entry, so the n-th in line goes with the n-th batch at last."""

    async def run() -> list[list[str]]:
        queue: FairQueue[str, str] = FairQueue()
        for place, tokens in enumerate(lengths):
            queue.add(call(str(place), tokens=tokens))
        return drain(queue, max_batch_requests=max_requests)

    batches = asyncio.run(run())
    for number, batch in enumerate(batches):
        assert all(int(item) >= number for item in batch)
    for place in range(len(lengths)):
        assert any(str(place) in batch for batch in batches[: place + 1])
