"""One thread and one connection for a store that blocks: what waits goes into one transaction.

Somebody who is alone never waits for company; while a transaction is under way, what comes
meanwhile gathers for the next one. The event loop never touches a database.
"""

import asyncio
import copy
import logging
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, NamedTuple, TypeVar, cast

_log = logging.getLogger("ray.serve")
_MOST_TOGETHER = 128
"""Operations of one transaction: it must not hold the store's lock for long."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Waiting(NamedTuple, Generic[Item, Result]):
    item: Item
    future: "asyncio.Future[Result] | None"


class GroupWriter(Generic[Item, Result]):
    """Runs items in the order in which they came, many at a time.

    Args:
        run: Takes items, returns a result for each, in order. Called in the writer's thread only.
        name: Of the thread.
    """

    def __init__(self, run: Callable[[Sequence[Item]], Sequence[Result]], *, name: str) -> None:
        self._run = run
        self._queue: SimpleQueue[_Waiting[Item, Result] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._lock = threading.Lock()
        self._began = self._ended = False

    def submit(self, item: Item) -> "asyncio.Future[Result]":
        """Returns what will become of an item. It is done even where nobody waits for it any more:
        what undoes it comes after it.

        Raises:
            Exception: what `run` raised for the items that travelled with it; to whoever waits.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._put(_Waiting(item, future))
        return future

    def post(self, item: Item) -> None:
        """Has an item done, of which nobody wants to know what became."""
        self._put(_Waiting(item, None))

    def close(self, timeout_s: float) -> bool:
        """Does what waits, and ends the thread; blocks for so long at most. Returns whether it has
        ended: what it uses must not be closed before."""
        with self._lock:
            if self._ended or not self._began:
                self._ended = True
                return not self._thread.is_alive()
            self._ended = True
            self._queue.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _put(self, entry: _Waiting[Item, Result]) -> None:
        with self._lock:
            if not self._ended:
                if not self._began:
                    self._began = True
                    self._thread.start()
                self._queue.put(entry)
                return
        if entry.future is not None:
            entry.future.set_exception(RuntimeError("the writer has ended"))

    def _work(self) -> None:
        ends = False
        while not ends:
            batch, ends = self._take()
            if not batch:
                continue
            try:
                results = list(self._run([entry.item for entry in batch]))
                _tell(batch, results, None)
            except Exception as error:
                if all(entry.future is None for entry in batch):
                    _log.warning(
                        "%d operations of %s failed: %s", len(batch), self._thread.name, error
                    )
                _tell(batch, [], error)

    def _take(self) -> tuple[list[_Waiting[Item, Result]], bool]:
        """Returns what waits, at least one entry, and whether it is the last."""
        batch: list[_Waiting[Item, Result]] = []
        entry = self._queue.get()
        while entry is not None:
            batch.append(entry)
            if len(batch) >= _MOST_TOGETHER:
                return batch, False
            try:
                entry = self._queue.get_nowait()
            except Empty:
                return batch, False
        return batch, True


def _tell(
    batch: Sequence[_Waiting[Item, Result]], results: Sequence[Result], error: Exception | None
) -> None:
    """Hands results to the event loops that wait for them, each woken once."""
    waiting: dict[
        asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Result], Result | None]]
    ] = {}
    for place, entry in enumerate(batch):
        if entry.future is not None:
            result = results[place] if error is None else None
            waiting.setdefault(entry.future.get_loop(), []).append((entry.future, result))
    for loop, told in waiting.items():
        try:
            loop.call_soon_threadsafe(_resolve, told, error)
        except RuntimeError:  # the loop has closed: nobody waits there
            _log.debug("a result came after its event loop had closed")


def _resolve(
    told: "Sequence[tuple[asyncio.Future[Result], Result | None]]", error: Exception | None
) -> None:
    for future, result in told:
        if future.done():
            continue
        if error is None:
            future.set_result(cast(Result, result))
        else:
            # One object raised to several would collect all their tracebacks.
            future.set_exception(copy.copy(error))
