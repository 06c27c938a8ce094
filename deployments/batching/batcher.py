"""A work-conserving micro-batcher: when the model is free it takes everything that waits, up to a
token budget.

There is no wait for a batch to fill: an idle service adds no latency, and a busy one fills its
batches by itself while the model works. The function that runs a batch is plain and synchronous; it
runs in threads of its own, as many as batches may run at once, so the event loop never blocks and
callers prepare their next entries, such as tokenising them, while the model works.
"""

import asyncio
import copy
import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic

from deployments.batching.background import Background
from deployments.batching.planning import CostModel, plan_batch, plan_packed_batch
from deployments.batching.queue import Completed, Entry, FairQueue, Item, Result
from deployments.contracts.errors import (
    DeadlineExceeded,
    Overloaded,
    RagError,
    StageFailed,
    Unavailable,
)
from deployments.serving.concurrently import gather_or_cancel

_MIN_SHARE_TOKENS = 128
"""Work below this size is not worth dividing between idle workers."""
_RATE_MEMORY = 0.8
"""Share of the former service rate in the new one: the last five batches or so count."""
_log = logging.getLogger("ray.serve")


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What one run of the model was like. `queue_ms` is the longest wait in the batch."""

    size: int
    tokens: int
    padded_tokens: int
    queue_ms: float
    inference_ms: float

    @property
    def padding_ratio(self) -> float:
        """The share of the computed tokens that was padding, in [0, 1)."""
        return 1.0 - self.tokens / self.padded_tokens


class Batcher(Generic[Item, Result]):
    """Gathers concurrent entries into batches for `run`.

    Args:
        run: Takes a batch of items, returns one result per item, in order.
        stage: Name for errors.
        max_batch_tokens: Bound on the cost of one batch.
        max_batch_requests: Bound on the entries of one batch.
        max_queued_tokens: Admission bound; entries that would pass it are refused.
        max_queue_s: Admission bound; a call that would wait longer for its turn is refused.
        concurrent_batches: Batches that run at once: one thread of Python each.
        computes_padding: Whether a batch costs its longest entry times its entries, or their sum.
        on_batch: Is told of every run that succeeded, on the event loop.
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
        max_queue_s: float = math.inf,
        concurrent_batches: int = 1,
        computes_padding: bool = True,
        on_batch: Callable[[BatchReport], None] = lambda report: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._stage = stage
        self._max_batch_tokens = max_batch_tokens
        self._max_batch_requests = max_batch_requests
        self._max_queued_tokens = max_queued_tokens
        self._max_queue_s = max_queue_s
        self._concurrent_batches = concurrent_batches
        self._computes_padding = computes_padding
        self._on_batch = on_batch
        self._now = now
        self._queue: FairQueue[Item, Result] = FairQueue()
        self._tokens_per_s = 0.0
        self._cost = CostModel()
        self._running_batches = 0
        self._background = Background(concurrent_batches, now)
        self._woken: asyncio.TimerHandle | None = None
        self._workers: set[asyncio.Task[None]] = set()
        self._executor = ThreadPoolExecutor(concurrent_batches, thread_name_prefix=f"{stage}-batch")

    async def submit(
        self,
        items: Sequence[Item],
        *,
        token_counts: Sequence[int],
        timeout_s: float,
        background: bool = False,
    ) -> list[Completed[Result]]:
        """Returns the results in the order of the items; each item is an entry of its own.

        Nobody waits for entries of the background: while others come, they run in batches of their
        own, which stand back for these; see `Background`.

        Raises:
            Overloaded: too much waits already; nothing was done.
            DeadlineExceeded: the time was up before an entry reached the model.
            RagError: what `run` raised for an entry that ran alone; StageFailed for whatever is not
                one of ours.
        """
        self._admit(sum(token_counts))
        loop = asyncio.get_running_loop()
        queued_at_s = self._now()
        entries: list[Entry[Item, Result]] = []
        for item, tokens in zip(items, token_counts, strict=True):
            future: asyncio.Future[Completed[Result]] = loop.create_future()
            deadline_s = queued_at_s + timeout_s
            entries.append(
                Entry(item, max(tokens, 1), queued_at_s, deadline_s, future, entries, background)
            )
        if not background:
            self._background.note_question()
        # Neighbours of like length pad little; the order of the answer does not depend on it.
        self._queue.add(sorted(entries, key=lambda entry: entry.tokens))
        self._start_workers()
        return list(await gather_or_cancel(*(entry.future for entry in entries)))

    def close(self) -> None:
        """Stops the workers; entries that wait or run fail as if the stage had gone."""
        for worker in list(self._workers):
            worker.cancel()
        if self._woken is not None:
            self._woken.cancel()
        self._abandon(self._queue.clear())
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _abandon(self, entries: Iterable[Entry[Item, Result]]) -> None:
        for entry in entries:
            if entry.is_awaited():
                gone = Unavailable(f"The {self._stage} was stopped.", self._stage, 1.0)
                entry.future.set_exception(gone)

    def _admit(self, tokens: int) -> None:
        if self._is_full(tokens):
            self._drop_dead()
        if self._queue and self._is_full(tokens):
            wait_s = self._wait_s(self._queue.tokens) or 1.0
            raise Overloaded(
                f"The {self._stage} has a full queue; retry shortly.", self._stage, max(wait_s, 0.1)
            )

    def _is_full(self, tokens: int) -> bool:
        if self._queue.tokens + tokens > self._max_queued_tokens:
            return True
        # Who is served before a newcomer must be counted: only when all of them would be too many.
        if self._wait_s(self._queue.tokens) <= self._max_queue_s:
            return False
        return self._wait_s(self._queue.tokens_ahead()) > self._max_queue_s

    def _wait_s(self, tokens: int) -> float:
        """Returns how long the model needs for so many tokens, 0 before it has run."""
        rate = self._tokens_per_s * self._concurrent_batches
        return tokens / rate if rate else 0.0

    def _start_workers(self) -> None:
        loop = asyncio.get_running_loop()
        while len(self._workers) < self._concurrent_batches:
            self._workers.add(loop.create_task(self._work()))

    async def _work(self) -> None:
        """Runs batches until nothing waits."""
        try:
            await self._drain()
        finally:
            # In the same step that found the queue empty: whoever comes next starts a new one.
            task = asyncio.current_task()
            assert task is not None
            self._workers.discard(task)

    async def _drain(self) -> None:
        while self._queue:
            batch: list[Entry[Item, Result]] = []
            try:
                taken = self._take()
                if taken is None:
                    return
                if batch := taken:
                    await self._run_counted(batch)
                    self._start_workers()  # what was kept free for questions may be free for all
            except asyncio.CancelledError:
                self._abandon(batch)
                raise
            except Exception as error:
                # A mistake of this class must not leave anybody waiting for ever, nor end the loop.
                _log.exception("The %s's batcher failed.", self._stage)
                for entry in batch or self._queue.clear():
                    self._fail(entry, error)

    async def _run_counted(self, batch: list[Entry[Item, Result]]) -> None:
        is_background, began_s = batch[0].background, self._now()
        self._running_batches += 1
        if is_background:
            self._background.begin()
        try:
            await self._run_batch(batch)
        finally:
            self._running_batches -= 1
            if is_background:
                self._background.end(self._now() - began_s)

    def _take(self) -> list[Entry[Item, Result]] | None:
        """Removes the next batch from the queue; None where what waits may not run now. An entry
        that nobody awaits costs nothing."""
        self._drop_dead()
        if not self._queue:
            return []
        max_batch_tokens = self._share_tokens()
        kind: bool | None = None
        is_free = self._computes_padding and math.isinf(self._cost.overhead_tokens)
        if not is_free and self._background.stands_back():
            kind, has_questions = self._queue.next_kinds()
            if kind and (wait_s := self._background_wait_s()):
                if not has_questions:
                    self._wake_in(wait_s)
                    return None
                kind = False
            if kind:
                most = max(self._background.most_tokens(self._tokens_per_s), _MIN_SHARE_TOKENS)
                max_batch_tokens = min(max_batch_tokens, most)
        return self._take_of(kind, max_batch_tokens)

    def _background_wait_s(self) -> float:
        until_due_s = self._queue.background_deadline_s() - self._now()
        return self._background.wait_s(self._wait_s(self._queue.tokens), until_due_s)

    def _wake_in(self, wait_s: float) -> None:
        """Starts the workers after a while; a batch that ends starts them anyway."""
        if math.isfinite(wait_s):
            if self._woken is not None:
                self._woken.cancel()
            self._woken = asyncio.get_running_loop().call_later(wait_s, self._start_workers)

    def _take_of(self, kind: bool | None, max_batch_tokens: int) -> list[Entry[Item, Result]]:
        if not self._computes_padding:
            return self._queue.take(
                partial(
                    plan_packed_batch,
                    max_batch_tokens=max_batch_tokens,
                    max_batch_requests=self._max_batch_requests,
                ),
                window=self._max_batch_requests,
                background=kind,
            )
        overhead_tokens = self._cost.overhead_tokens
        # Twice as many as fit, to choose from. Where padding is free: first come, first served.
        windows = 1 if math.isinf(overhead_tokens) else 2
        return self._queue.take(
            partial(
                plan_batch,
                max_batch_tokens=max_batch_tokens,
                max_batch_requests=self._max_batch_requests,
                overhead_tokens=overhead_tokens,
            ),
            window=windows * self._max_batch_requests,
            background=kind,
        )

    def _share_tokens(self) -> int:
        """Returns what one of the idle workers takes of the queue at most, so that none stays
        idle."""
        idle = self._concurrent_batches - self._running_batches
        if idle == 1:
            return self._max_batch_tokens
        share = max(math.ceil(self._queue.tokens / idle), _MIN_SHARE_TOKENS)
        return min(share, self._max_batch_tokens)

    def _drop_dead(self) -> None:
        for entry in self._queue.drop_dead(self._now()):
            self._expire(entry)

    def _expire(self, entry: Entry[Item, Result]) -> None:
        message = f"The request's time was up before the {self._stage} got to it."
        entry.future.set_exception(DeadlineExceeded(message, self._stage))

    async def _run_batch(self, batch: list[Entry[Item, Result]]) -> None:
        """Runs a batch; one that fails is split until the poisonous entry fails alone."""
        started_s = self._now()
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(
                self._executor, self._run, [entry.item for entry in batch]
            )
            if len(results) != len(batch):
                raise StageFailed(f"The {self._stage} lost a result.", self._stage)
        except Exception as error:
            if len(batch) == 1 or isinstance(error, Unavailable | Overloaded):
                # What the model itself stands on is away: that is nobody's poison.
                for entry in batch:
                    self._fail(entry, error)
                return
            middle = len(batch) // 2
            for half in (batch[:middle], batch[middle:]):
                if alive := self._still_due(half):
                    await self._run_batch(alive)
            return
        self._finish(batch, results, started_s)

    def _still_due(self, entries: list[Entry[Item, Result]]) -> list[Entry[Item, Result]]:
        now_s = self._now()
        due = []
        for entry in entries:
            if entry.is_awaited() and entry.deadline_s <= now_s:
                self._expire(entry)
            elif entry.is_awaited():
                due.append(entry)
        return due

    def _finish(
        self, batch: list[Entry[Item, Result]], results: Sequence[Result], started_s: float
    ) -> None:
        took_s = self._now() - started_s
        inference_ms = took_s * 1e3
        for entry, value in zip(batch, results, strict=True):
            if entry.is_awaited():
                queue_ms = (started_s - entry.queued_at_s) * 1e3
                entry.future.set_result(Completed(value, queue_ms, inference_ms, len(batch)))
        tokens = sum(entry.tokens for entry in batch)
        longest = max(entry.tokens for entry in batch)
        padded_tokens = longest * len(batch) if self._computes_padding else tokens
        self._observe_rate(tokens / max(took_s, 1e-6))
        self._cost.observe(padded_tokens, took_s)
        self._on_batch(
            BatchReport(
                size=len(batch),
                tokens=tokens,
                padded_tokens=padded_tokens,
                queue_ms=(started_s - min(entry.queued_at_s for entry in batch)) * 1e3,
                inference_ms=inference_ms,
            )
        )

    def _fail(self, entry: Entry[Item, Result], error: Exception) -> None:
        """Fails an entry with an error of its own: one object raised twice would share its
        traceback. What is left of its call costs the model nothing."""
        if entry.is_awaited():
            if isinstance(error, RagError):
                failure = copy.copy(error)
            else:
                failure = StageFailed(f"The {self._stage} could not compute this.", self._stage)
            failure.__cause__ = error
            entry.future.set_exception(failure)
        for sibling in entry.call:
            sibling.future.cancel()

    def _observe_rate(self, tokens_per_s: float) -> None:
        """Keeps an exponential mean of the service rate; it prices the wait of a newcomer."""
        former = self._tokens_per_s or tokens_per_s
        self._tokens_per_s = _RATE_MEMORY * former + (1 - _RATE_MEMORY) * tokens_per_s
