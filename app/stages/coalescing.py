"""Requests that wait for the same deployment at the same moment travel as one call.

A call between two processes costs more than a short text costs the model. So only a few calls are
on their way at once; what comes meanwhile waits and leaves together, as soon as one of them is
back, or when enough wait. Somebody who is alone never waits.
"""

import asyncio
import copy
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.stages.hedging import Hedging

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    weight: int
    since_s: float
    future: "asyncio.Future[Result]" = field(repr=False)


class Coalescer(Generic[Item, Result]):
    """Merges concurrent items into calls of `send`.

    Args:
        send: Takes items, returns one result per item, in order.
        max_calls: Calls on their way at once, full ones aside. A deployment is kept busy by two for
            each replica: one at work and one that waits.
        waiting_per_call: While calls are away, so many items for each of them must wait before
            another leaves, or one of them `patience_s`.
        patience_s: See `waiting_per_call`.
        max_items: Items of one call.
        max_weight: Bound on the items' weights in one call, so that nobody waits for another's
            large work. An item over it travels alone and at once.
        hedging: Says when a call that is late is sent again; None never does.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        max_calls: int,
        max_items: int,
        max_weight: int,
        waiting_per_call: int = 0,
        patience_s: float = 0.1,
        hedging: Hedging | None = None,
    ) -> None:
        self._send = send
        self._max_calls = max_calls
        self._waiting_per_call = waiting_per_call
        self._patience_s = patience_s
        self._max_items = max_items
        self._max_weight = max_weight
        self._hedging = hedging
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._calls: set[asyncio.Task[None]] = set()
        self._leaving = False
        self._timer: asyncio.TimerHandle | None = None

    async def submit(self, item: Item, *, weight: int = 1) -> Result:
        """Returns the item's own result.

        Whoever is cancelled leaves the others alone; a call that nobody awaits is cancelled.

        Raises:
            Exception: what `send` raised for the call in which the item travelled.
        """
        loop = asyncio.get_running_loop()
        if weight > self._max_weight:
            [alone] = await self._send([item])
            return alone
        entry = _Waiting[Item, Result](item, weight, loop.time(), loop.create_future())
        self._waiting.append(entry)
        if not self._leaving:
            # At the end of this turn of the loop: whoever comes in it travels along.
            self._leaving = True
            loop.call_soon(self._leave)
        return await entry.future

    def _leave(self) -> None:
        self._leaving = False
        while self._waiting and (self._is_worth_a_call() or self._fills_a_call()):
            if batch := self._take():
                self._start(batch)
        if self._waiting and len(self._calls) < self._max_calls and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(
                self._waiting[0].since_s + self._patience_s, self._lose_patience
            )

    def _lose_patience(self) -> None:
        self._timer = None
        self._leave()

    def _is_worth_a_call(self) -> bool:
        away = len(self._calls)
        if away >= self._max_calls:
            return False
        waited_s = asyncio.get_running_loop().time() - self._waiting[0].since_s
        return len(self._waiting) >= self._waiting_per_call * away or waited_s >= self._patience_s

    def _fills_a_call(self) -> bool:
        return (
            len(self._waiting) >= self._max_items
            or sum(entry.weight for entry in self._waiting) >= self._max_weight
        )

    def _take(self) -> list[_Waiting[Item, Result]]:
        batch: list[_Waiting[Item, Result]] = []
        weight = 0
        while self._waiting and len(batch) < self._max_items:
            weight += self._waiting[0].weight
            if batch and weight > self._max_weight:
                break
            entry = self._waiting.popleft()
            if entry.future.done():  # its caller has gone
                weight -= entry.weight
            else:
                batch.append(entry)
        return batch

    def _start(self, batch: list[_Waiting[Item, Result]]) -> None:
        calls: set[asyncio.Task[None]] = set()
        first = self._launch(batch, calls)

        def cancel_unawaited(_: object) -> None:
            if all(entry.future.cancelled() for entry in batch):
                for call in calls:
                    call.cancel()

        for entry in batch:
            entry.future.add_done_callback(cancel_unawaited)
        if self._hedging is not None:
            self._watch(batch, calls, first, self._hedging)

    def _watch(
        self,
        batch: list[_Waiting[Item, Result]],
        calls: "set[asyncio.Task[None]]",
        first: "asyncio.Task[None]",
        hedging: Hedging,
    ) -> None:
        """Sends a copy of the call where it is late, once."""
        loop = asyncio.get_running_loop()
        since_s = loop.time()
        timer: asyncio.TimerHandle

        def look() -> None:
            nonlocal timer
            waiting = [entry for entry in batch if not entry.future.done()]
            left_s = since_s + hedging.late_after_s() - loop.time()
            if left_s > 0:
                timer = loop.call_later(left_s, look)
            elif waiting and hedging.take():
                self._launch(waiting, calls)

        timer = loop.call_later(hedging.first_look_s, look)
        first.add_done_callback(lambda _: timer.cancel())

    def _launch(
        self, batch: list[_Waiting[Item, Result]], calls: "set[asyncio.Task[None]]"
    ) -> "asyncio.Task[None]":
        """Sends a call, beside those for the same entries that are away already."""
        call = asyncio.create_task(self._call(batch, calls))
        calls.add(call)
        self._calls.add(call)
        call.add_done_callback(self._back)
        return call

    def _back(self, call: "asyncio.Task[None]") -> None:
        self._calls.discard(call)
        self._leave()

    async def _call(
        self, batch: list[_Waiting[Item, Result]], calls: "set[asyncio.Task[None]]"
    ) -> None:
        now_s = asyncio.get_running_loop().time
        since_s = now_s()
        try:
            results = await self._send([entry.item for entry in batch])
            for entry, result in zip(batch, results, strict=True):
                if not entry.future.done():
                    entry.future.set_result(result)
            if self._hedging is not None:
                self._hedging.note(now_s() - since_s)
            # Those beside it are waited for no more, and keep no other call from leaving. They are
            # left to end: a replica that hangs should go on looking busy.
            self._calls -= calls
        except asyncio.CancelledError:
            for entry in batch:
                entry.future.cancel()
            raise
        except Exception as error:
            if len(calls) > 1:
                return  # the other may still answer
            for entry in batch:
                if not entry.future.done():
                    # One object raised to several would collect all their tracebacks.
                    entry.future.set_exception(copy.copy(error))
        finally:
            calls.discard(asyncio.current_task())
