"""What a measurement says: rates, and percentiles of the latency with their uncertainty."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.load.driver import Sample

Latencies = NDArray[np.float64]
"""Milliseconds, shape (n,), in order of arrival."""

_NAMES = ("p50", "p95", "p99", "mean")
_RESAMPLES = 400
_FAILURES_NAMED = 5


def summarise(
    samples: Sequence[Sample], *, duration_s: float, slo_ms: float | None = None
) -> dict[str, Any]:
    """Returns the figures of one measurement, ready for JSON; see `summarise_runs`."""
    return summarise_runs([samples], duration_s=duration_s, slo_ms=slo_ms)


def summarise_runs(
    runs: Sequence[Sequence[Sample]], *, duration_s: float, slo_ms: float | None = None
) -> dict[str, Any]:
    """Returns the figures of several runs of the same measurement taken together.

    Latencies are those of the ok answers, in milliseconds: `p50_ms` ... `mean_ms`, each with a 95 %
    confidence interval `..._ci95_ms` of [low, high]. What has no sample is None. Rates count the
    answers that came within the duration, because what a queue gives off afterwards was not
    served at the rate that is asked for. `goodput_per_s` counts of these the ones within `slo_ms`.

    Args:
        runs: Samples per run.
        duration_s: Length of the schedule or window of each run.
        slo_ms: Longest latency that is good; None leaves goodput out.
    """
    samples = [sample for run in runs for sample in sorted(run, key=lambda one: one.scheduled_s)]
    count = Counter(sample.outcome for sample in samples)
    answered = [sample for sample in samples if sample.outcome == "ok"]
    in_time = [sample for sample in answered if sample.ended_s <= duration_s]
    measured_s = duration_s * len(runs)
    refused_ms = np.array([one.latency_ms for one in samples if one.outcome == "refused"])
    result: dict[str, Any] = {
        "count": len(samples),
        "ok": count["ok"],
        "refused": count["refused"],
        "failed": count["failed"],
        "requests_per_s": round(len(in_time) / measured_s, 2),
        **_latencies(np.array([sample.latency_ms for sample in answered])),
        "refused_p50_ms": _percentile(refused_ms, 50),
        "refused_p95_ms": _percentile(refused_ms, 95),
    }
    if slo_ms is not None:
        good = sum(sample.latency_ms <= slo_ms for sample in in_time)
        result["slo_ms"] = slo_ms
        result["goodput_per_s"] = round(good / measured_s, 2)
    if count["failed"]:
        details = Counter(sample.detail for sample in samples if sample.outcome == "failed")
        result["failures"] = dict(details.most_common(_FAILURES_NAMED))
    return result


def confidence_intervals(
    values: Latencies,
    statistics: Callable[[Latencies], NDArray[np.float64]],
    *,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Returns the 95 % interval of each statistic, shape (2, statistics): low bounds, high bounds.

    Requests that wait in the same queue are slow together, so that drawing them one by one would
    promise too much. The circular block bootstrap draws blocks of neighbours, which keep what they
    have in common. A block is as long as the square root of the number of samples, as in the
    method of batch means.

    Source: Politis and Romano, "A circular block-resampling procedure for stationary data"
    (1992); Flegal and Jones, "Batch means and spectral variance estimators in Markov chain Monte
    Carlo" (Annals of Statistics 38, 2010) for the length.
    """
    count = len(values)
    block = math.ceil(math.sqrt(count))
    wrapped = np.concatenate([values, values[:block]])
    starts = np.random.default_rng(seed).integers(0, count, (_RESAMPLES, math.ceil(count / block)))
    offsets = np.arange(block)
    drawn = [statistics(wrapped[(row[:, None] + offsets).ravel()[:count]]) for row in starts]
    bounds: NDArray[np.float64] = np.percentile(np.array(drawn), [2.5, 97.5], axis=0)
    return bounds


def _statistics(values: Latencies) -> NDArray[np.float64]:
    return np.append(np.percentile(values, [50, 95, 99]), values.mean())


def _latencies(values: Latencies) -> dict[str, Any]:
    if not len(values):
        return {f"{name}{end}": None for name in _NAMES for end in ("_ms", "_ci95_ms")}
    intervals = confidence_intervals(values, _statistics)
    result: dict[str, Any] = {}
    for name, value, bounds in zip(_NAMES, _statistics(values), intervals.T, strict=True):
        result[f"{name}_ms"] = round(float(value), 3)
        result[f"{name}_ci95_ms"] = [round(float(bound), 3) for bound in bounds]
    return result


def _percentile(values: Latencies, percent: float) -> float | None:
    return round(float(np.percentile(values, percent)), 3) if len(values) else None
