"""The order of the measurements on one workload.

Batchers take turns at every load and repeat, each time in another order, so that what else the
machine does hits all alike.
"""

import gc
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.batching_study.contenders import (
    SERVE_DEFAULT_WAIT_S,
    Bounds,
    FixedWait,
    Make,
    Ours,
    ServeBatch,
)
from benchmarks.batching_study.measure import (
    Capacity,
    Observed,
    Schedule,
    best_wait,
    capacity,
    figures_of,
    idle,
    under_load,
    warm_up,
)
from benchmarks.batching_study.workloads import Workload
from benchmarks.load.arrivals import from_trace, poisson

TUNING_FACTORS = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0)
"""The waits that are tried for `@serve.batch` beside its default, in times of a full batch."""
_TUNING_LOAD_PERCENT = 70
_TUNING_REPEAT = 1000
_CONTENDERS = 4
_WARMUP_RATIO = 0.15


@dataclass(frozen=True, slots=True)
class Settings:
    """How long, how often and with what bounds is measured."""

    loads_percent: tuple[int, ...]
    duration_s: float
    """Per load, batcher and repeat, after a warm-up."""
    repeats: int
    max_batch_requests: int
    slo_batches: float
    """Longest good latency, in times of a full batch. What may wait is what the model can do
    within it, less the batch that runs and the one that is next."""
    fixed_wait_s: float
    idle_requests: int
    trace: Path | None
    """Real arrivals; None draws them at random."""

    def steps(self) -> int:
        """Returns how often `measure` reports a step on one workload."""
        points = len(self.loads_percent) * self.repeats * _CONTENDERS
        return 1 + len(TUNING_FACTORS) + 1 + _CONTENDERS + points


def measure(
    workload: Workload, settings: Settings, *, on_done: Callable[[], None]
) -> dict[str, Any]:
    """Returns the figures of all batchers on one workload: capacity, tuning, idle and per load."""
    warm_up(workload, max_batch_requests=settings.max_batch_requests)
    measured = capacity(
        workload,
        max_batch_requests=settings.max_batch_requests,
        duration_s=settings.duration_s,
    )
    on_done()
    bounds = _bounds(workload, settings, measured)
    slo_ms = settings.slo_batches * measured.batch_s * 1e3
    wait_s, tried = best_wait(
        workload,
        lambda one_s: partial(ServeBatch, wait_s=one_s),
        bounds,
        _schedule(workload, settings, measured, _TUNING_LOAD_PERCENT, _TUNING_REPEAT),
        [SERVE_DEFAULT_WAIT_S, *(factor * measured.batch_s for factor in TUNING_FACTORS)],
        on_done=on_done,
    )
    contenders: dict[str, Make] = {
        "ours": Ours,
        "serve.batch": partial(ServeBatch, wait_s=SERVE_DEFAULT_WAIT_S),
        "serve.batch tuned": partial(ServeBatch, wait_s=wait_s),
        "fixed wait": partial(FixedWait, wait_s=settings.fixed_wait_s),
    }
    idle_figures: dict[str, Any] = {}
    for name, make in contenders.items():
        idle_figures[name] = idle(workload, make, bounds, requests=settings.idle_requests)
        on_done()
    return {
        "name": workload.name,
        "workload": workload.description,
        "capacity_per_s": round(measured.requests_per_s, 1),
        "full_batch_ms": round(measured.batch_s * 1e3, 3),
        "slo_ms": round(slo_ms, 3),
        "bounds": asdict(bounds),
        "tuned_wait_ms": round(wait_s * 1e3, 3),
        "tuning": tried,
        "idle": idle_figures,
        "points": _points(workload, contenders, bounds, settings, measured, on_done),
    }


def _points(
    workload: Workload,
    contenders: dict[str, Make],
    bounds: Bounds,
    settings: Settings,
    measured: Capacity,
    on_done: Callable[[], None],
) -> list[dict[str, Any]]:
    runs: dict[tuple[int, str], list[Observed]] = defaultdict(list)
    names = list(contenders)
    turn = 0
    for repeat in range(settings.repeats):
        for percent in settings.loads_percent:
            schedule = _schedule(workload, settings, measured, percent, repeat)
            first = turn % len(names)
            gc.collect()
            for name in names[first:] + names[:first]:
                observed = under_load(workload, contenders[name], bounds, schedule)
                runs[percent, name].append(observed)
                on_done()
            turn += 1
    slo_ms = settings.slo_batches * measured.batch_s * 1e3
    return [
        {
            "load_percent": percent,
            "offered_per_s": round(measured.requests_per_s * percent / 100, 1),
            "batcher": name,
            **figures_of(runs[percent, name], duration_s=settings.duration_s, slo_ms=slo_ms),
        }
        for percent in settings.loads_percent
        for name in names
    ]


def _bounds(workload: Workload, settings: Settings, measured: Capacity) -> Bounds:
    in_time_s = (settings.slo_batches - 2) * measured.batch_s
    return Bounds(
        max_batch_requests=settings.max_batch_requests,
        max_batch_tokens=workload.max_batch_tokens,
        max_queued_requests=max(1, round(measured.requests_per_s * in_time_s)),
        concurrent_batches=workload.concurrent_batches,
        mean_tokens=sum(workload.token_counts) / len(workload.token_counts),
        computes_padding=workload.computes_padding,
    )


def _schedule(
    workload: Workload, settings: Settings, measured: Capacity, percent: int, repeat: int
) -> Schedule:
    rate_per_s = measured.requests_per_s * percent / 100
    warmup_s = _WARMUP_RATIO * settings.duration_s
    duration_s = warmup_s + settings.duration_s
    seed = repeat * 1009 + percent
    if settings.trace is None:
        arrivals_s = poisson(rate_per_s, duration_s=duration_s, seed=seed)
    else:
        arrivals_s = from_trace(
            settings.trace, rate_per_s=rate_per_s, duration_s=duration_s, skip=seed
        )
    places = workload.draw(len(arrivals_s), seed)
    return Schedule(arrivals_s, places, warmup_s, duration_s)
