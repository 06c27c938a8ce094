"""Reports of ingress replicas, for whoever keeps them or shows them."""

from collections.abc import Sequence

import numpy as np

from deployments.activity import (
    ActivityReport,
    MinuteCounts,
    QuerySample,
    ReleaseMinute,
    Usage,
    UsageKey,
)
from deployments.sketch import Sketch

VECTORS = {"f1": {"generator": ["g"], "top_k": 5}, "f2": {"generator": ["g"], "top_k": 9}}
KEY = UsageKey("2026-11-21", "0123456789ab", "a", "tiny", "v1")


def make_sketch(values_ms: Sequence[float]) -> Sketch:
    """Returns the sketch of some values."""
    sketch = Sketch()
    for value_ms in values_ms:
        sketch.add(value_ms)
    return sketch


def make_minute(
    minute: int,
    release: str = "a",
    fingerprint: str = "f1",
    *,
    times_ms: Sequence[float] = (100.0, 200.0, 300.0),
    failed: int = 0,
) -> ReleaseMinute:
    """Returns a minute with a request of 10 tokens for each time, and some that failed."""
    answered = len(times_ms)
    counts = MinuteCounts(
        requests=answered + failed,
        failed=failed,
        answered=answered,
        prompt_tokens=10 * answered,
        cached_tokens=5 * answered,
        completion_tokens=2 * answered,
        cost_picousd=7 * answered,
    )
    timings = {"total_ms": make_sketch(times_ms)} if times_ms else {}
    return ReleaseMinute(release, fingerprint, minute, counts, timings)


def make_sample(at_s: float, release: str = "a") -> QuerySample:
    """Returns a query of three dimensions."""
    vector = np.array([at_s % 2, 0.25, -1.0], dtype="<f2")
    return QuerySample(at_s, release, vector.tobytes(), 3, 0.5, True, 12)


def make_report(
    sequence: int,
    replica: str = "one",
    *,
    usage: dict[UsageKey, Usage] | None = None,
    minutes: Sequence[ReleaseMinute] = (),
    samples: Sequence[QuerySample] = (),
) -> ActivityReport:
    """Returns a report; without usage it has that of one request."""
    used = {KEY: Usage(requests=1, prompt_tokens=10, cost_picousd=7)} if usage is None else usage
    vectors = {one.fingerprint: VECTORS[one.fingerprint] for one in minutes}
    return ActivityReport(replica, sequence, used, tuple(minutes), tuple(samples), vectors)
