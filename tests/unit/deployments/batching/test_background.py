"""Documents and questions at one model: who runs with whom, and who goes first."""

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from deployments.batching.batcher import Batcher
from tests.clock import Clock

PATIENCE_S = 5.0


class Model:
    """Keeps its batches; each waits for `free`, and then takes `s_per_item` for each item."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.batches: list[list[str]] = []
        self.s_per_item = 0.0
        self.running = 0
        self.free = threading.Event()
        self.free.set()
        self.lock = threading.Lock()
        self.meeting: threading.Barrier | None = None
        """Where the next batches wait for each other, once."""

    def __call__(self, items: Sequence[str]) -> list[str]:
        with self.lock:
            self.batches.append(list(items))
            self.running += 1
        assert self.free.wait(PATIENCE_S)
        if self.meeting is not None and len(self.batches) > 1:
            self.meeting.wait(PATIENCE_S)
            self.meeting = None
        with self.lock:
            self.clock.now_s += self.s_per_item * len(items)
            self.running -= 1
        return list(items)

    async def has_begun(self, batches: int) -> None:
        for _ in range(int(PATIENCE_S * 1000)):
            if len(self.batches) >= batches:
                return
            await asyncio.sleep(0.001)
        raise AssertionError(f"only {len(self.batches)} batches have begun")


def make(model: Model, **options: Any) -> Batcher[str, str]:
    bounds = {"max_batch_tokens": 1000, "max_batch_requests": 500, "max_queued_tokens": 10**6}
    settings = {"computes_padding": False, "now": model.clock, **bounds, **options}
    return Batcher(model, stage="embedder", **settings)  # type: ignore[arg-type]


def ask(batcher: Batcher[str, str], *items: str, tokens: int = 10, background: bool = False) -> Any:
    return asyncio.ensure_future(
        batcher.submit(
            items, token_counts=[tokens] * len(items), timeout_s=9e9, background=background
        )
    )


@pytest.fixture
def model() -> Model:
    return Model(Clock())


async def test_a_question_does_not_ride_with_documents(model: Model) -> None:
    batcher = make(model)
    model.free.clear()
    first = ask(batcher, "q0")
    await model.has_begun(1)
    rest = [ask(batcher, *(f"d{n}" for n in range(50)), background=True), ask(batcher, "q1")]
    await asyncio.sleep(0)
    model.free.set()
    await asyncio.gather(first, *rest)
    kinds = [{item[0] for item in batch} for batch in model.batches]
    assert all(len(kind) == 1 for kind in kinds), model.batches


async def test_batches_of_documents_are_short_while_questions_come(model: Model) -> None:
    model.s_per_item = 0.01  # 1,000 tokens a second: 50 tokens in 50 ms, and never below 128
    batcher = make(model)
    await ask(batcher, "q0")
    documents = ask(batcher, *(f"d{n}" for n in range(90)), background=True)
    await model.has_begun(2)
    assert [len(batch) for batch in model.batches[1:]] == [12]
    model.clock.now_s += 5.0
    await documents
    model.batches.clear()
    model.clock.now_s += 5.0
    await ask(batcher, *(f"d{n}" for n in range(90)), background=True)
    assert [len(batch) for batch in model.batches] == [90]


async def test_documents_rest_while_questions_come(model: Model) -> None:
    """After a batch of 72 ms they rest nine times as long, in which questions run at once."""
    model.s_per_item = 0.006
    batcher = make(model)
    await ask(batcher, "q0")
    documents = ask(batcher, *(f"d{n}" for n in range(90)), background=True)
    await model.has_begun(2)
    began_s = time.monotonic()
    await ask(batcher, "q1")
    assert model.batches[-1] == ["q1"], "it waited for documents"
    model.s_per_item = 0.0
    model.clock.now_s += 0.65
    await documents
    assert 0.2 < time.monotonic() - began_s < 3.0, "nothing woke them when the rest was over"


async def test_documents_do_not_rest_beyond_the_last_question(model: Model) -> None:
    model.s_per_item = 0.5
    batcher = make(model)
    await ask(batcher, *(f"d{n}" for n in range(4)), background=True)
    await ask(batcher, "q0")
    began_s = time.monotonic()
    documents = ask(batcher, "d5", background=True)  # the rest is of six seconds
    model.clock.now_s += 0.9
    await asyncio.sleep(0)
    model.clock.now_s += 0.1
    await documents
    assert time.monotonic() - began_s < 1.0


async def test_documents_that_are_due_do_not_rest(model: Model) -> None:
    model.s_per_item = 0.01
    batcher = make(model)
    await ask(batcher, "q0")
    await ask(batcher, *(f"d{n}" for n in range(12)), background=True)
    # 90 texts take 0.9 s, at a tenth of the time 9 s: they run until what is left fits.
    documents = asyncio.ensure_future(
        batcher.submit(
            [f"d{n}" for n in range(90)], token_counts=[10] * 90, timeout_s=2.0, background=True
        )
    )
    await model.has_begun(6)
    model.clock.now_s += 1.0
    await documents


async def test_one_worker_is_left_to_questions(model: Model) -> None:
    batcher = make(model, concurrent_batches=2, max_batch_tokens=20)
    await ask(batcher, "q0")
    model.batches.clear()
    model.free.clear()
    documents = ask(batcher, *(f"d{n}" for n in range(40)), background=True)
    await model.has_begun(1)
    await asyncio.sleep(0.02)
    assert model.running == 1
    question = ask(batcher, "q1")
    await model.has_begun(2)
    assert model.batches[1] == ["q1"]
    model.free.set()
    await asyncio.gather(documents, question)


async def test_all_workers_are_for_documents_where_nobody_asks(model: Model) -> None:
    batcher = make(model, concurrent_batches=2, max_batch_tokens=20)
    model.free.clear()
    documents = ask(batcher, *(f"d{n}" for n in range(40)), background=True)
    await model.has_begun(2)
    assert model.running == 2
    model.free.set()
    await documents


async def test_a_worker_that_was_kept_free_comes_back(model: Model) -> None:
    """Nothing is submitted any more: the worker that runs starts the other."""
    batcher = make(model, concurrent_batches=2, max_batch_tokens=20)
    await ask(batcher, "q0")
    model.batches.clear()
    model.free.clear()
    documents = ask(batcher, *(f"d{n}" for n in range(400)), background=True)
    await model.has_begun(1)
    model.clock.now_s += 5.0
    model.meeting = threading.Barrier(2)
    model.free.set()
    await documents  # a batch that nobody met would have failed
    assert len([item for batch in model.batches for item in batch]) == 400


async def test_documents_get_their_share_under_a_flood_of_questions(model: Model) -> None:
    batcher = make(model, max_batch_tokens=20, max_batch_requests=2)
    documents = ask(batcher, *(f"d{n}" for n in range(40)), background=True)
    asked = 0
    while not documents.done():
        await asyncio.gather(*(ask(batcher, f"q{asked + n}") for n in range(4)))
        asked += 4
        assert asked < 2000
    await documents
