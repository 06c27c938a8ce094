"""The four measurements: what the model can do, a batcher under a schedule, a batcher with one
user, and the wait that suits `@serve.batch` best."""

import asyncio
import gc
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.batching_study.contenders import Bounds, Contender, Make
from benchmarks.batching_study.models import Recorder
from benchmarks.batching_study.workloads import Workload
from benchmarks.load.driver import Reply, Sample, open_loop
from benchmarks.load.summary import confidence_intervals, summarise_runs

_DRAIN_S = 5.0
_CLOSING_S = 5.0
_SHAPE_TOKENS = 8
"""Encoders pad to a multiple of it."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the model gives when full batches follow each other without a pause."""

    requests_per_s: float
    batch_s: float
    """Mean time of a full batch."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What arrives when; the same for every batcher."""

    arrivals_s: Sequence[float]
    places: Sequence[int]
    """The item of each arrival."""
    warmup_s: float
    """What ends before is left out."""
    duration_s: float
    """Length with the warm-up."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One batcher under one schedule; time 0 of the samples is the end of the warm-up."""

    samples: list[Sample]
    batch_sizes: list[int]


def capacity(workload: Workload, *, max_batch_requests: int, duration_s: float) -> Capacity:
    """Measures full batches of randomly drawn items, as many at once as fill the device, after a
    warm-up of half the duration."""
    begin_s = time.perf_counter() + duration_s / 2

    def worker(seed: int) -> list[tuple[int, float]]:
        places = workload.draw(max_batch_requests * 64, seed)
        runs: list[tuple[int, float]] = []
        at = 0
        while (started_s := time.perf_counter()) < begin_s + duration_s:
            batch = [workload.items[place] for place in places[at : at + max_batch_requests]]
            at = (at + max_batch_requests) % len(places)
            workload.run(batch)
            if started_s >= begin_s:
                runs.append((len(batch), time.perf_counter() - started_s))
        return runs

    with ThreadPoolExecutor(workload.concurrent_batches) as pool:
        per_worker = list(pool.map(worker, range(workload.concurrent_batches)))
    # Whole batches over their own time: no batch is cut by the end of a window.
    rate = sum(sum(n for n, _ in runs) / sum(s for _, s in runs) for runs in per_worker if runs)
    return Capacity(rate, float(np.mean([took_s for runs in per_worker for _, took_s in runs])))


def warm_up(workload: Workload, *, max_batch_requests: int) -> None:
    """Runs every shape of batch once, so that no batcher pays for those that follow it.

    Lengths beyond 99 of 100 items are left to chance: they cost the most and come the least.
    """
    if not workload.first_of_shape_is_slow:
        return
    usual_tokens = np.percentile(workload.token_counts, 99)
    of_shape = {
        math.ceil(tokens / _SHAPE_TOKENS): item
        for tokens, item in zip(workload.token_counts, workload.items, strict=True)
        if tokens <= usual_tokens
    }
    batches = [
        [item] * size for item in of_shape.values() for size in range(1, max_batch_requests + 1)
    ]
    with ThreadPoolExecutor(workload.concurrent_batches) as pool:
        for _ in pool.map(workload.run, batches * workload.concurrent_batches):
            pass


def under_load(workload: Workload, make: Make, bounds: Bounds, schedule: Schedule) -> Observed:
    """Sends the schedule in an event loop of its own, which ends whatever a batcher leaves over."""

    async def main() -> Observed:
        async with _running(workload, make, bounds) as (contender, recorder):

            async def send(index: int) -> Reply:
                place = schedule.places[index]
                return await contender.send(workload.items[place], workload.token_counts[place])

            samples = await open_loop(send, schedule.arrivals_s, drain_s=_DRAIN_S)
            return Observed(_after(samples, schedule.warmup_s), recorder.batch_sizes[:])

    return asyncio.run(main())


def figures_of(
    runs: Sequence[Observed], *, duration_s: float, slo_ms: float | None = None
) -> dict[str, Any]:
    """Returns the figures of the runs of one batcher at one load; see `summarise_runs`.

    `send_delay_p95_ms` is how late the load generator was: where it is not small against the
    latency, the machine was full and the latency is not the batcher's alone.
    """
    result = summarise_runs([run.samples for run in runs], duration_s=duration_s, slo_ms=slo_ms)
    sizes = [size for run in runs for size in run.batch_sizes]
    delays = [sample.started_s - sample.scheduled_s for run in runs for sample in run.samples]
    result["mean_batch_size"] = round(float(np.mean(sizes)), 2) if sizes else None
    result["send_delay_p95_ms"] = (
        round(float(np.percentile(delays, 95)) * 1e3, 3) if delays else None
    )
    return result


def idle(workload: Workload, make: Make, bounds: Bounds, *, requests: int) -> dict[str, Any]:
    """Returns what one user alone waits beyond the run of the model: `idle_added_ms`, the median
    over requests one after the other, each less its own run."""

    async def main() -> list[float]:
        added_ms: list[float] = []
        async with _running(workload, make, bounds) as (contender, recorder):
            for place in workload.draw(requests + 1, seed=1):
                started_s = time.perf_counter()
                await contender.send(workload.items[place], workload.token_counts[place])
                took_s = time.perf_counter() - started_s
                added_ms.append((took_s - recorder.run_s[-1]) * 1e3)
        # The first one starts threads.
        return added_ms[1:]

    values = np.array(asyncio.run(main()))
    low, high = confidence_intervals(values, lambda drawn: np.array([np.median(drawn)]))[:, 0]
    return {
        "idle_added_ms": round(float(np.median(values)), 3),
        "idle_added_ci95_ms": [round(float(low), 3), round(float(high), 3)],
    }


def best_wait(
    workload: Workload,
    make: Callable[[float], Make],
    bounds: Bounds,
    schedule: Schedule,
    waits_s: Sequence[float],
    *,
    on_done: Callable[[], None],
) -> tuple[float, list[dict[str, Any]]]:
    """Returns the wait with the lowest p95 under the schedule, and what each one gave.

    A wait with which a request in a hundred gets no answer loses to every one that answers all.
    """
    tried: list[dict[str, Any]] = []
    ranks: list[tuple[float, float]] = []
    for wait_s in waits_s:
        observed = under_load(workload, make(wait_s), bounds, schedule)
        found = figures_of([observed], duration_s=schedule.duration_s - schedule.warmup_s)
        unanswered = 1 - found["ok"] / max(found["count"], 1)
        p95_ms = found["p95_ms"] if found["p95_ms"] is not None else float("inf")
        ranks.append((round(unanswered, 2), p95_ms))
        tried.append(
            {
                "wait_ms": round(wait_s * 1e3, 3),
                "p50_ms": found["p50_ms"],
                "p95_ms": found["p95_ms"],
                "unanswered_ratio": round(unanswered, 4),
            }
        )
        on_done()
    return waits_s[ranks.index(min(ranks))], tried


@asynccontextmanager
async def _running(
    workload: Workload, make: Make, bounds: Bounds
) -> AsyncIterator[tuple[Contender, Recorder]]:
    recorder = Recorder(workload.run)
    contender = make(recorder, bounds)
    # A full collection walks over everything that was ever imported, torch and Ray included, and
    # stops every request for that time. What a batcher leaves behind itself is still collected.
    gc.freeze()
    try:
        yield contender, recorder
    finally:
        contender.close()
        gc.unfreeze()
        # The next measurement must not share the device with a run that is still going.
        await asyncio.to_thread(recorder.wait_until_idle, _CLOSING_S)


def _after(samples: Sequence[Sample], warmup_s: float) -> list[Sample]:
    return [
        replace(
            sample,
            scheduled_s=sample.scheduled_s - warmup_s,
            started_s=sample.started_s - warmup_s,
            ended_s=sample.ended_s - warmup_s,
        )
        for sample in samples
        if sample.ended_s >= warmup_s
    ]
