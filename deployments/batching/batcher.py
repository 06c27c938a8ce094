"""A work-conserving micro-batcher: when the model is free it takes everything that waits, up to a
token budget.

There is no wait for a batch to fill: an idle service adds no latency, and a busy one fills its
batches by itself while the model works. The function that runs a batch is plain and synchronous; it
runs in threads of its own, as many as batches may run at once, so the event loop never blocks.
"""

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

from deployments.batching.planning import plan_batch
from deployments.errors import DeadlineExceeded, Overloaded, StageFailed, Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

_MIN_SHARE_TOKENS = 256
"""Work below this size is not worth dividing between idle workers."""


@dataclass(slots=True)
class _Entry(Generic[Item, Result]):
    item: Item
    tokens: int
    queued_at_s: float
    deadline_s: float
    future: "asyncio.Future[Completed[Result]]" = field(repr=False)
    group: "list[_Entry[Item, Result]]" = field(repr=False)
    """All entries of the same call: when one fails, nobody waits for the others."""


@dataclass(frozen=True, slots=True)
class Completed(Generic[Result]):
    """A result with the time its entry waited and the time its batch took."""

    value: Result
    queue_ms: float
    inference_ms: float


class Batcher(Generic[Item, Result]):
    """Gathers concurrent entries into batches for `run`.

    Args:
        run: Takes a batch of items, returns one result per item, in order.
        stage: Name for errors.
        max_batch_tokens: Bound on longest entry x entries of one batch.
        max_batch_requests: Bound on the entries of one batch.
        max_queued_tokens: Admission bound; entries that would pass it are refused.
        concurrent_batches: Batches that run at once. On a CPU, one per core with one thread each
            beats one batch over all cores, whose threads wait for the slowest; a GPU wants one.
        now: Clock in seconds; monotonic.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        stage: str,
        max_batch_tokens: int,
        max_batch_requests: int,
        max_queued_tokens: int,
        concurrent_batches: int = 1,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._stage = stage
        self._max_batch_tokens = max_batch_tokens
        self._max_batch_requests = max_batch_requests
        self._max_queued_tokens = max_queued_tokens
        self._now = now
        self._queue: deque[_Entry[Item, Result]] = deque()
        self._queued_tokens = 0
        self._tokens_per_s = 0.0
        self._concurrent_batches = concurrent_batches
        self._running_batches = 0
        self._workers: set[asyncio.Task[None]] = set()
        self._executor = ThreadPoolExecutor(concurrent_batches, thread_name_prefix=f"{stage}-batch")

    async def submit(
        self, items: Sequence[Item], *, token_counts: Sequence[int], timeout_s: float
    ) -> list[Completed[Result]]:
        """Returns the results in the order of the items; each item is an entry of its own.

        Raises:
            Overloaded: the queue is full; nothing was done.
            DeadlineExceeded: the time was up before an entry reached the model.
            StageFailed: the batch that held an entry failed.
        """
        self._admit(sum(token_counts))
        loop = asyncio.get_running_loop()
        queued_at_s = self._now()
        entries: list[_Entry[Item, Result]] = []
        for item, tokens in zip(items, token_counts, strict=True):
            future: asyncio.Future[Completed[Result]] = loop.create_future()
            deadline_s = queued_at_s + timeout_s
            entries.append(_Entry(item, tokens, queued_at_s, deadline_s, future, entries))
        # Neighbours of like length pad little; the order of the answer does not depend on it.
        self._queue.extend(sorted(entries, key=lambda entry: entry.tokens))
        self._queued_tokens += sum(token_counts)
        while len(self._workers) < self._concurrent_batches:
            worker = loop.create_task(self._drain())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        try:
            return list(await asyncio.gather(*(entry.future for entry in entries)))
        finally:
            for entry in entries:
                entry.future.cancel()
                # A sibling's failure ends the gather; the others' exceptions were seen by nobody.
                if entry.future.done() and not entry.future.cancelled():
                    entry.future.exception()

    def close(self) -> None:
        """Stops the workers; entries that wait or run fail as if the stage had gone."""
        for worker in self._workers:
            worker.cancel()
        self._abandon(self._queue)
        self._queue.clear()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _abandon(self, entries: Iterable[_Entry[Item, Result]]) -> None:
        for entry in entries:
            if not entry.future.done():
                entry.future.set_exception(
                    Unavailable(f"The {self._stage} was stopped.", self._stage, 1.0)
                )

    def _admit(self, tokens: int) -> None:
        if self._queued_tokens + tokens > self._max_queued_tokens:
            self._drop_dead()
        if self._queue and self._queued_tokens + tokens > self._max_queued_tokens:
            rate = self._tokens_per_s * self._concurrent_batches
            wait_s = self._queued_tokens / rate if rate else 1.0
            raise Overloaded(
                f"The {self._stage} has a full queue; retry shortly.", self._stage, max(wait_s, 0.1)
            )

    async def _drain(self) -> None:
        while self._queue:
            batch = self._take()
            if batch:
                self._running_batches += 1
                try:
                    await self._run_batch(batch)
                finally:
                    self._running_batches -= 1

    def _take(self) -> list[_Entry[Item, Result]]:
        """Removes the next batch from the queue; an entry that nobody awaits costs nothing."""
        self._drop_dead()
        lengths = [entry.tokens for entry in islice(self._queue, self._max_batch_requests)]
        count = plan_batch(
            lengths,
            max_batch_tokens=min(self._max_batch_tokens, self._share_tokens()),
            max_batch_requests=self._max_batch_requests,
        )
        batch = [self._queue.popleft() for _ in range(count)]
        self._queued_tokens -= sum(entry.tokens for entry in batch)
        return batch

    def _share_tokens(self) -> int:
        """Returns what one of the idle workers takes of the queue, so that none stays idle."""
        idle = self._concurrent_batches - self._running_batches
        return max(math.ceil(self._queued_tokens / idle), _MIN_SHARE_TOKENS)

    def _drop_dead(self) -> None:
        now_s = self._now()
        alive: deque[_Entry[Item, Result]] = deque()
        for entry in self._queue:
            if entry.future.done():
                continue
            if entry.deadline_s <= now_s:
                entry.future.set_exception(
                    DeadlineExceeded(
                        f"The request's time was up before the {self._stage} got to it.",
                        self._stage,
                    )
                )
                continue
            alive.append(entry)
        self._queue = alive
        self._queued_tokens = sum(entry.tokens for entry in alive)

    async def _run_batch(self, batch: list[_Entry[Item, Result]]) -> None:
        started_s = self._now()
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(
                self._executor, self._run, [entry.item for entry in batch]
            )
            if len(results) != len(batch):
                raise StageFailed(f"The {self._stage} lost a result.", self._stage)
        except asyncio.CancelledError:
            self._abandon(batch)
            raise
        except Exception as error:
            # Whatever the model raises belongs to the entries of this batch alone.
            for entry in batch:
                if not entry.future.done():
                    entry.future.set_exception(_for_entry(error, self._stage))
            for entry in batch:
                for sibling in entry.group:
                    sibling.future.cancel()
            return
        took_s = self._now() - started_s
        self._observe(sum(entry.tokens for entry in batch), took_s)
        for entry, value in zip(batch, results, strict=True):
            with contextlib.suppress(asyncio.InvalidStateError):
                entry.future.set_result(
                    Completed(value, (started_s - entry.queued_at_s) * 1e3, took_s * 1e3)
                )

    def _observe(self, tokens: int, took_s: float) -> None:
        """Keeps an exponential mean of the service rate; it prices the Retry-After of a refusal."""
        rate = tokens / max(took_s, 1e-6)
        self._tokens_per_s = (
            rate if not self._tokens_per_s else 0.8 * self._tokens_per_s + 0.2 * rate
        )


def _for_entry(error: Exception, stage: str) -> Exception:
    """A fresh exception per waiter: one object raised twice would share its traceback."""
    failure = StageFailed(f"The {stage} could not compute this batch.", stage)
    failure.__cause__ = error
    return failure
