"""Sends requests on a schedule (open loop) or one after the other (closed loop), and keeps times.

In an open loop the latency of a request counts from the moment it was due, not from the moment it
left: a stalled service, or a stalled load generator, cannot hide the wait it causes.

Source: Tene, "How NOT to Measure Latency" (Strange Loop 2015), on coordinated omission;
Schroeder, Wierman, Harchol-Balter, "Open Versus Closed: A Cautionary Tale" (NSDI 2006).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

UNANSWERED = "unanswered when the measurement ended"
"""The detail of what was cancelled at the end."""

Outcome = Literal["ok", "refused", "failed"]
"""Refused: turned away on purpose, at once, by a service that was full."""


class Reply(NamedTuple):
    """What became of one request."""

    outcome: Outcome
    detail: str = ""
    """Why it is not ok."""
    body: Any = None
    """What the service said, where the sender wants it; the driver drops it."""


OK = Reply("ok")
Send = Callable[[int], Awaitable[Reply]]
"""Sends the n-th request and returns its reply; an exception is a failure."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. Times are seconds since the start of the measurement."""

    scheduled_s: float
    """When it was due; in a closed loop, when it was sent."""
    started_s: float
    ended_s: float
    outcome: Outcome
    detail: str = ""

    @property
    def latency_ms(self) -> float:
        """Time from when the request was due to its answer."""
        return (self.ended_s - self.scheduled_s) * 1e3


OnDone = Callable[[Sample], None]


async def open_loop(
    send: Send,
    arrivals_s: Sequence[float],
    *,
    on_done: OnDone | None = None,
    drain_s: float = 30.0,
) -> list[Sample]:
    """Sends request n at arrivals_s[n] and returns one sample per request, in order of arrival.

    Ends at the latest drain_s after the last request was sent: what is unanswered by then is
    cancelled and counts as failed.

    Args:
        send: Gets the place of the request in the schedule.
        arrivals_s: Ascending times since the start.
        on_done: Called with each sample as it ends.
        drain_s: How long answers are awaited after the last request.
    """
    loop = asyncio.get_running_loop()
    samples: list[Sample | None] = [None] * len(arrivals_s)
    pending: set[asyncio.Task[None]] = set()

    async def request(index: int, due_s: float) -> None:
        sample = await _timed(send, index, begin_s, due_s)
        samples[index] = sample
        if on_done is not None:
            on_done(sample)

    begin_s = loop.time()
    for index, due_s in enumerate(arrivals_s):
        wait_s = begin_s + due_s - loop.time()
        # Late is late: whatever is due leaves at once, without a turn of the loop in between.
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        task = loop.create_task(request(index, due_s))
        pending.add(task)
        task.add_done_callback(pending.discard)
    await _finish(pending, drain_s)
    now_s = loop.time() - begin_s
    return [
        sample or Sample(due_s, due_s, now_s, "failed", UNANSWERED)
        for sample, due_s in zip(samples, arrivals_s, strict=True)
    ]


async def closed_loop(
    send: Send,
    *,
    concurrency: int,
    duration_s: float,
    warmup_s: float = 0.0,
    on_done: OnDone | None = None,
    drain_s: float = 30.0,
) -> list[Sample]:
    """Keeps `concurrency` requests on their way; returns those that ended in the measured window,
    in order of their end. Time 0 is the start of the window, after the warm-up.

    Ends at the latest drain_s after the window. A request that is answered after the window is
    left out, as the one that began before it is counted in; one that is never answered counts as
    failed.

    Args:
        send: Gets the running number of the request.
        concurrency: Requests on their way at any time.
        duration_s: Length of the window.
        warmup_s: Time before it, whose requests are not counted.
        on_done: Called with each counted sample as it ends.
        drain_s: How long the last answers are awaited.
    """
    loop = asyncio.get_running_loop()
    samples: list[Sample] = []
    next_index = 0
    begin_s = loop.time() + warmup_s

    async def user() -> None:
        nonlocal next_index
        while loop.time() - begin_s < duration_s:
            index, next_index = next_index, next_index + 1
            sample = await _timed(send, index, begin_s, loop.time() - begin_s)
            unanswered = sample.detail == UNANSWERED
            if 0 <= sample.ended_s <= duration_s or unanswered:
                samples.append(sample)
                if on_done is not None:
                    on_done(sample)
            if unanswered:
                return
            # A sender that answers without waiting must not keep the loop to itself.
            await asyncio.sleep(0)

    users = {loop.create_task(user()) for _ in range(concurrency)}
    await _finish(users, max(0.0, begin_s - loop.time()) + duration_s + drain_s)
    return samples


async def _timed(send: Send, index: int, begin_s: float, due_s: float) -> Sample:
    loop = asyncio.get_running_loop()
    started_s = loop.time() - begin_s
    try:
        reply = await send(index)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        ours = task is not None and task.cancelling() > 0
        reply = Reply("failed", UNANSWERED if ours else "CancelledError")
    except Exception as error:
        # A measurement goes on; what went wrong stands in the sample.
        reply = Reply("failed", f"{type(error).__name__}: {error}"[:200])
    return Sample(due_s, started_s, loop.time() - begin_s, reply.outcome, reply.detail)


async def _finish(tasks: Iterable[asyncio.Task[None]], patience_s: float) -> None:
    """Waits for the tasks, cancels those that outlast the patience, and raises what they raised."""
    waiting = set(tasks)
    if not waiting:
        return
    try:
        await asyncio.wait(waiting, timeout=patience_s)
    finally:
        late = [task for task in waiting if not task.done()]
        for task in late:
            task.cancel()
    if late:
        # A sender that swallows its cancellation is left behind rather than waited for.
        await asyncio.wait(late, timeout=1.0)
    for task in waiting:
        if task.done() and not task.cancelled():
            task.result()
