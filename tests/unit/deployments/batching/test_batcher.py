"""What becomes of concurrent entries: batches, order, refusals, failures; on a clock of our own."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from deployments.batching.batcher import Batcher, BatchReport
from deployments.batching.queue import Completed
from deployments.contracts.errors import (
    DeadlineExceeded,
    InvalidRequest,
    Overloaded,
    RagError,
    StageFailed,
    Unavailable,
)
from tests.clock import Clock

PATIENCE_S = 5.0


class Model:
    """Puts items into upper case and keeps its batches; works only while `free` is set."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.batches: list[list[str]] = []
        self.works_s = 0.0
        self.entered = threading.Event()
        self.free = threading.Event()
        self.free.set()

    def __call__(self, items: Sequence[str]) -> list[str]:
        self.batches.append(list(items))
        self.entered.set()
        assert self.free.wait(PATIENCE_S)
        self.clock.now_s += self.works_s
        if "bad" in items:
            raise ValueError("secret of the model")
        if "lost" in items:
            return []
        return [item.upper() for item in items]

    async def is_entered(self) -> None:
        assert await asyncio.to_thread(self.entered.wait, PATIENCE_S)


MakeBatcher = Callable[..., Batcher[str, str]]


def over(run: Callable[[Sequence[Any]], Sequence[Any]], **options: Any) -> Batcher[Any, Any]:
    """A batcher over any function, with small bounds unless told otherwise."""
    bounds = {"max_batch_tokens": 99, "max_batch_requests": 9, "max_queued_tokens": 99}
    return Batcher(run, **{"stage": "embedder", **bounds, **options})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def model(clock: Clock) -> Iterator[Model]:
    model = Model(clock)
    yield model
    model.free.set()


@pytest.fixture
def make(model: Model, clock: Clock) -> MakeBatcher:
    def make(**bounds: int) -> Batcher[str, str]:
        limits = {"max_batch_tokens": 100, "max_batch_requests": 8, "max_queued_tokens": 1000}
        return over(model, now=clock, **{**limits, **bounds})

    return make


async def submit(
    batcher: Batcher[str, str], *items: str, tokens: int = 1, timeout_s: float = 10.0
) -> list[str]:
    done = await batcher.submit(items, token_counts=[tokens] * len(items), timeout_s=timeout_s)
    return [one.value for one in done]


async def queued(
    batcher: Batcher[str, str], *items: str, tokens: int = 1, timeout_s: float = 10.0
) -> "asyncio.Task[list[str]]":
    """A task whose entries are in the queue by now."""
    task = asyncio.create_task(submit(batcher, *items, tokens=tokens, timeout_s=timeout_s))
    await asyncio.sleep(0)
    return task


async def hold(batcher: Batcher[str, str], model: Model) -> "asyncio.Task[list[str]]":
    """Keeps the model at work on one entry until `model.free` is set."""
    model.free.clear()
    task = await queued(batcher, "first")
    await model.is_entered()
    return task


async def test_an_idle_batcher_runs_at_once(make: MakeBatcher, model: Model) -> None:
    assert await submit(make(), "a") == ["A"]
    assert model.batches == [["a"]]


async def test_nothing_to_do_is_done(make: MakeBatcher, model: Model) -> None:
    assert await submit(make()) == []
    assert model.batches == []


async def test_entries_that_arrive_meanwhile_travel_together(
    make: MakeBatcher, model: Model
) -> None:
    batcher = make()
    tasks = [await hold(batcher, model)]
    tasks += [await queued(batcher, item) for item in "abc"]
    model.free.set()
    assert await asyncio.gather(*tasks) == [["FIRST"], ["A"], ["B"], ["C"]]
    assert model.batches == [["first"], ["a", "b", "c"]]


async def test_more_than_a_batch_may_hold_waits_for_the_next(
    make: MakeBatcher, model: Model
) -> None:
    batcher = make(max_batch_requests=2)
    tasks = [await hold(batcher, model)]
    tasks += [await queued(batcher, item) for item in "abc"]
    model.free.set()
    await asyncio.gather(*tasks)
    assert model.batches == [["first"], ["a", "b"], ["c"]]


async def test_results_keep_the_order_of_the_items_although_like_lengths_travel_together(
    make: MakeBatcher, model: Model
) -> None:
    batcher = make(max_batch_tokens=40)
    done = await batcher.submit(
        ["long", "s1", "long2", "s2"], token_counts=[20, 2, 19, 1], timeout_s=10
    )
    assert [one.value for one in done] == ["LONG", "S1", "LONG2", "S2"]
    assert model.batches == [["s2", "s1"], ["long2", "long"]]


async def test_an_entry_that_nobody_awaits_is_never_run(make: MakeBatcher, model: Model) -> None:
    batcher = make()
    first = await hold(batcher, model)
    left, stayed = await queued(batcher, "left"), await queued(batcher, "stayed")
    left.cancel()
    await asyncio.sleep(0)
    model.free.set()
    assert await asyncio.gather(first, stayed) == [["FIRST"], ["STAYED"]]
    assert left.cancelled()
    assert model.batches == [["first"], ["stayed"]]


async def test_entries_that_nobody_awaits_take_no_room_in_the_queue(
    make: MakeBatcher, model: Model
) -> None:
    batcher = make(max_queued_tokens=100)
    first = await hold(batcher, model)
    left = await queued(batcher, "left", tokens=90)
    left.cancel()
    await asyncio.sleep(0)
    task = await queued(batcher, "a", tokens=90)
    model.free.set()
    assert await asyncio.gather(first, task) == [["FIRST"], ["A"]]


async def test_an_entry_past_its_deadline_is_not_run(
    make: MakeBatcher, model: Model, clock: Clock
) -> None:
    batcher = make()
    first = await hold(batcher, model)
    late = await queued(batcher, "late", timeout_s=2.0)
    patient = await queued(batcher, "patient", timeout_s=20.0)
    clock.now_s += 2.0
    model.free.set()
    assert await asyncio.gather(first, patient) == [["FIRST"], ["PATIENT"]]
    with pytest.raises(DeadlineExceeded) as caught:
        await late
    assert caught.value.stage == "embedder"
    assert model.batches == [["first"], ["patient"]]


async def test_a_poisonous_entry_fails_alone(make: MakeBatcher, model: Model) -> None:
    batcher = make()
    tasks = [await hold(batcher, model)]
    tasks += [await queued(batcher, item) for item in ("a", "bad", "b", "c", "d")]
    model.free.set()
    first, a, bad, *others = await asyncio.gather(*tasks, return_exceptions=True)
    assert [first, a, *others] == [["FIRST"], ["A"], ["B"], ["C"], ["D"]]
    assert isinstance(bad, StageFailed)
    assert "secret" not in f"{bad}{bad.args}"
    assert isinstance(bad.__cause__, ValueError)
    assert model.batches == [
        ["first"],
        ["a", "bad", "b", "c", "d"],
        ["a", "bad"],
        ["a"],
        ["bad"],
        ["b", "c", "d"],
    ]
    assert await submit(batcher, "later") == ["LATER"]


async def test_a_batch_too_large_for_the_memory_is_halved(clock: Clock) -> None:
    def run(items: Sequence[str]) -> list[str]:
        if len(items) > 2:
            raise MemoryError
        return list(items)

    batcher: Batcher[str, str] = over(run, now=clock)
    assert await submit(batcher, *"abcdefgh") == list("abcdefgh")


@pytest.mark.parametrize("kind", [InvalidRequest, Unavailable])
async def test_an_error_of_ours_arrives_as_it_is(kind: type[RagError], clock: Clock) -> None:
    runs: list[int] = []

    def run(items: Sequence[str]) -> list[str]:
        runs.append(len(items))
        raise kind("Say why.", "retriever", 2.0)

    batcher: Batcher[str, str] = over(run, now=clock)
    outcomes = await asyncio.gather(
        *(submit(batcher, item) for item in "abcd"), return_exceptions=True
    )
    assert [type(one) for one in outcomes] == [kind] * 4
    assert len({id(one) for one in outcomes}) == 4
    assert all(isinstance(one, RagError) and one.retry_after_s == 2.0 for one in outcomes)
    # Nobody's poison: what the model stands on is away, and trying each alone would not help.
    assert (runs == [4]) == (kind is Unavailable)


async def test_while_a_batch_is_split_deadlines_hold(
    make: MakeBatcher, model: Model, clock: Clock
) -> None:
    batcher = make()
    model.works_s = 3.0
    tasks = [await hold(batcher, model)]
    tasks += [
        await queued(batcher, "bad", timeout_s=100),
        await queued(batcher, "patient", timeout_s=100),
        await queued(batcher, "late", timeout_s=7),
    ]
    model.free.set()
    _, bad, patient, late = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(bad, StageFailed)
    assert patient == ["PATIENT"]
    assert isinstance(late, DeadlineExceeded)


async def test_a_mistake_of_the_batcher_fails_its_waiters_and_the_loop_goes_on(
    make: MakeBatcher, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    batcher = make()
    with monkeypatch.context() as patch:
        patch.setattr(batcher, "_share_tokens", lambda: 1 // 0)
        with pytest.raises(StageFailed) as caught:
            await submit(batcher, "a")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert await submit(batcher, "later") == ["LATER"]


async def test_a_listener_that_fails_costs_no_answer(clock: Clock) -> None:
    def listen(report: BatchReport) -> None:
        raise ValueError(report)

    batcher: Batcher[str, str] = over(list, on_batch=listen, now=clock)
    assert await submit(batcher, "a", "b") == ["a", "b"]
    assert await submit(batcher, "later") == ["later"]


async def test_without_padding_texts_of_any_length_travel_together(
    make: MakeBatcher, model: Model
) -> None:
    batcher = make(max_batch_tokens=110, computes_padding=False)
    first = await hold(batcher, model)
    tasks = [await queued(batcher, "long", tokens=90)]
    tasks += [await queued(batcher, item, tokens=10) for item in "abc"]
    model.free.set()
    await asyncio.gather(first, *tasks)
    assert model.batches == [["first"], ["long", "a", "b"], ["c"]]


async def test_who_comes_when_a_worker_has_just_ended_is_not_forgotten(clock: Clock) -> None:
    later: list[asyncio.Task[list[str]]] = []

    def listen(_: BatchReport) -> None:
        if not later:
            later.append(asyncio.create_task(submit(batcher, "b")))

    batcher: Batcher[str, str] = over(list, on_batch=listen, now=clock)
    assert await submit(batcher, "a") == ["a"]
    assert await asyncio.wait_for(later[0], PATIENCE_S) == ["b"]


async def test_where_padding_is_free_the_oldest_go_first(clock: Clock) -> None:
    """A model that takes as long for any batch: long texts must not pass short ones."""
    batches: list[list[int]] = []
    free = threading.Event()

    def run(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        clock.now_s += 0.02
        assert free.wait(PATIENCE_S)
        return list(items)

    batcher: Batcher[int, int] = over(
        run, max_batch_tokens=10_000, max_batch_requests=4, max_queued_tokens=10_000, now=clock
    )
    free.set()
    for tokens in (10, 200, 30, 400):
        await batcher.submit([0], token_counts=[tokens], timeout_s=10)
    free.clear()
    batches.clear()
    lengths = [1, 300, 2, 200, 100, 3, 250, 4, 150]
    tasks = []
    for place, tokens in enumerate(lengths):
        submitted = batcher.submit([place], token_counts=[tokens], timeout_s=10)
        tasks.append(asyncio.create_task(submitted))
        await asyncio.sleep(0.01 if place == 0 else 0)
    free.set()
    await asyncio.gather(*tasks)
    assert [sorted(batch) for batch in batches] == [[0], [1, 2, 3, 4], [5, 6, 7, 8]]


async def test_every_batch_is_reported(clock: Clock) -> None:
    reports: list[BatchReport] = []

    def run(items: Sequence[str]) -> list[str]:
        clock.now_s += 0.5
        return list(items)

    batcher: Batcher[str, str] = over(run, on_batch=reports.append, now=clock)
    await batcher.submit(["a", "b"], token_counts=[10, 30], timeout_s=9)
    assert reports == [
        BatchReport(size=2, tokens=40, padded_tokens=60, queue_ms=0.0, inference_ms=500.0)
    ]
    assert reports[0].padding_ratio == pytest.approx(1 / 3)


async def test_entries_are_prepared_while_the_model_works(make: MakeBatcher, model: Model) -> None:
    """What a caller does before it submits, such as tokenising, waits for no batch."""
    batcher = make()
    first = await hold(batcher, model)
    prepared = [text.strip() for text in (" a ", " b ")]
    task = await queued(batcher, *prepared)
    assert not first.done()
    model.free.set()
    assert await asyncio.gather(first, task) == [["FIRST"], ["A", "B"]]


async def test_one_failed_entry_fails_its_submit_and_frees_the_others(
    make: MakeBatcher, model: Model
) -> None:
    """What is left of a request that failed already costs the model nothing."""
    batcher = make(max_batch_requests=1)
    first = await hold(batcher, model)
    task = await queued(batcher, "bad", "never", "never")
    model.free.set()
    with pytest.raises(StageFailed):
        await task
    await first
    assert await submit(batcher, "later") == ["LATER"]
    assert model.batches.count(["never"]) == 0


async def test_too_few_results_fail_clearly(make: MakeBatcher) -> None:
    batcher = make()
    with pytest.raises(StageFailed) as caught:
        await submit(batcher, "lost")
    assert str(caught.value) == "The embedder lost a result."
    assert await submit(batcher, "later") == ["LATER"]


async def test_a_full_queue_refuses_and_says_when_to_come_back(
    make: MakeBatcher, model: Model
) -> None:
    batcher = make(max_queued_tokens=100)
    tasks = [await hold(batcher, model), await queued(batcher, "a", tokens=90)]
    with pytest.raises(Overloaded) as caught:
        await submit(batcher, "b", tokens=11)
    assert caught.value.stage == "embedder"
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s > 0
    tasks.append(await queued(batcher, "c", tokens=10))
    model.free.set()
    assert await asyncio.gather(*tasks) == [["FIRST"], ["A"], ["C"]]


async def test_the_wait_is_priced_by_what_the_model_did_so_far(
    make: MakeBatcher, model: Model
) -> None:
    batcher = make(max_queued_tokens=100)
    model.works_s = 2.0
    await submit(batcher, "warm", tokens=20)
    model.entered.clear()
    tasks = [await hold(batcher, model), await queued(batcher, "a", tokens=50)]
    with pytest.raises(Overloaded) as caught:
        await submit(batcher, "b", tokens=51)
    assert caught.value.retry_after_s == pytest.approx(50 / 10)
    model.free.set()
    await asyncio.gather(*tasks)


async def test_a_call_that_would_wait_too_long_is_refused(clock: Clock, model: Model) -> None:
    batcher: Batcher[str, str] = over(
        model,
        max_batch_tokens=10,
        max_batch_requests=8,
        max_queued_tokens=1000,
        max_queue_s=2.0,
        now=clock,
    )
    model.works_s = 1.0
    await submit(batcher, "warm", tokens=10)
    model.entered.clear()
    tasks = [await hold(batcher, model)]
    tasks += [await queued(batcher, item, tokens=10) for item in "abc"]
    with pytest.raises(Overloaded) as caught:
        await submit(batcher, "d", tokens=10)
    assert caught.value.retry_after_s == pytest.approx(3.0)
    model.free.set()
    assert await asyncio.gather(*tasks) == [["FIRST"], ["A"], ["B"], ["C"]]


async def test_an_oversized_entry_runs_when_nobody_waits(make: MakeBatcher, model: Model) -> None:
    batcher = make(max_batch_tokens=10, max_queued_tokens=10)
    assert await submit(batcher, "huge", tokens=500) == ["HUGE"]


async def test_times_are_reported_per_entry(make: MakeBatcher, model: Model, clock: Clock) -> None:
    batcher = make()
    model.works_s = 0.25
    first = await hold(batcher, model)
    task = asyncio.create_task(batcher.submit(["a"], token_counts=[1], timeout_s=10))
    await asyncio.sleep(0)
    clock.now_s += 1.0
    model.free.set()
    await first
    [done] = await task
    assert done == Completed("A", pytest.approx(1250.0), pytest.approx(250.0))  # type: ignore[arg-type]


async def test_closing_fails_what_waits_and_what_runs(make: MakeBatcher, model: Model) -> None:
    batcher = make()
    tasks = [await hold(batcher, model), await queued(batcher, "waits")]
    batcher.close()
    failures = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in failures] == [Unavailable, Unavailable]


async def test_idle_workers_share_what_waits() -> None:
    """One caller's texts run as two batches at once where two may run."""
    both = threading.Barrier(2, timeout=5)
    batches: list[list[int]] = []

    def run(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        both.wait()
        return list(items)

    batcher: Batcher[int, int] = over(
        run,
        max_batch_tokens=100_000,
        max_batch_requests=64,
        max_queued_tokens=1_000_000,
        concurrent_batches=2,
    )
    done = await batcher.submit(list(range(8)), token_counts=[200] * 8, timeout_s=10)
    assert [one.value for one in done] == list(range(8))
    assert sorted(len(batch) for batch in batches) == [4, 4]
    batcher.close()


async def test_little_work_is_not_divided() -> None:
    batches: list[list[int]] = []

    def run(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        return list(items)

    batcher: Batcher[int, int] = over(
        run,
        max_batch_tokens=100_000,
        max_batch_requests=64,
        max_queued_tokens=1_000_000,
        concurrent_batches=4,
    )
    await batcher.submit([1, 2, 3], token_counts=[10, 10, 10], timeout_s=10)
    assert batches == [[1, 2, 3]]
    batcher.close()
