"""The batcher that is written first: collect until a batch is full or a timer runs out, then run.

It collects the next batch only when a run may begin, so what arrives meanwhile joins it.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.batching_study.models import Run


class FixedWaitBatcher:
    """Runs a batch when it has `max_batch_requests` items, or `wait_s` after its first.

    Args:
        run: The model.
        max_batch_requests: Bound on the items of a batch.
        wait_s: Time from taking the first item to the run.
        concurrent_batches: Runs at once.
    """

    def __init__(
        self, run: Run, *, max_batch_requests: int, wait_s: float, concurrent_batches: int = 1
    ) -> None:
        self._run = run
        self._max_batch_requests = max_batch_requests
        self._wait_s = wait_s
        self._queue: asyncio.Queue[tuple[Any, asyncio.Future[Any]]] = asyncio.Queue()
        self._free = asyncio.Semaphore(concurrent_batches)
        self._executor = ThreadPoolExecutor(concurrent_batches)
        self._runs: set[asyncio.Task[None]] = set()
        self._collector = asyncio.get_running_loop().create_task(self._collect())

    async def submit(self, item: Any) -> Any:
        """Returns the result of one item; what the model raises fails the whole batch."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((item, future))
        return await future

    def close(self) -> None:
        """Stops; what waits is never answered."""
        self._collector.cancel()
        for task in self._runs:
            task.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _collect(self) -> None:
        while True:
            await self._free.acquire()
            batch = await self._next_batch()
            task = asyncio.create_task(self._run_batch(batch))
            self._runs.add(task)
            task.add_done_callback(self._runs.discard)

    async def _next_batch(self) -> list[tuple[Any, asyncio.Future[Any]]]:
        batch = [await self._queue.get()]
        try:
            async with asyncio.timeout(self._wait_s):
                while len(batch) < self._max_batch_requests:
                    batch.append(await self._queue.get())
        except TimeoutError:
            pass
        return batch

    async def _run_batch(self, batch: list[tuple[Any, asyncio.Future[Any]]]) -> None:
        loop = asyncio.get_running_loop()
        try:
            batch = [entry for entry in batch if not entry[1].done()]
            if not batch:
                return
            items = [item for item, _ in batch]
            results = await loop.run_in_executor(self._executor, self._run, items)
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        finally:
            self._free.release()
