"""Requests of a run, told apart by the phase in which they began."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.locust_support.request_log import Request

SETTLE_S = 12.0
"""Locust starts, users come, connections are made: the first phase begins after it."""


def figures_of(requests: Sequence[Request], begins_s: Mapping[str, float]) -> dict[str, Any]:
    """Returns, by phase, how many requests there were, how many failed, and how long the answered
    ones took in milliseconds.

    Args:
        requests: All of the run.
        begins_s: When each phase began, in order; what came before the first is left out.
    """
    moments = [*begins_s.items(), ("", float("inf"))]
    return {
        phase: _figures([one for one in requests if begin_s <= one.started_s < end_s])
        for (phase, begin_s), (_, end_s) in pairwise(moments)
    }


def _figures(requests: Sequence[Request]) -> dict[str, Any]:
    latencies_ms = [request.latency_ms for request in requests if request.outcome == "ok"]
    p50_ms, p95_ms, p99_ms = np.percentile(latencies_ms or [float("nan")], [50, 95, 99])
    return {
        "requests": len(requests),
        "failed": sum(request.outcome == "failed" for request in requests),
        "refused": sum(request.outcome == "refused" for request in requests),
        "p50_ms": round(float(p50_ms), 2),
        "p95_ms": round(float(p95_ms), 2),
        "p99_ms": round(float(p99_ms), 2),
    }
