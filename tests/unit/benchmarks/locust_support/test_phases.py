"""Requests by the phase in which they began."""

import math

from benchmarks.locust_support.phases import figures_of
from benchmarks.locust_support.request_log import Request


def test_a_request_counts_where_it_began() -> None:
    requests = [
        Request(1.0, "/", 900.0, "ok"),
        Request(5.0, "/", 10.0, "ok"),
        Request(9.9, "/", 30.0, "ok"),
        Request(10.0, "/", 0.0, "failed"),
        Request(12.0, "/", 0.0, "refused"),
    ]
    figures = figures_of(requests, {"before": 5.0, "without": 10.0, "after": 20.0})
    assert figures["before"] == {
        **{"requests": 2, "failed": 0, "refused": 0},
        **{"p50_ms": 20.0, "p95_ms": 29.0, "p99_ms": 29.8},
    }
    without = figures["without"]
    assert (without["requests"], without["failed"], without["refused"]) == (2, 1, 1)
    assert math.isnan(without["p99_ms"])
    assert figures["after"]["requests"] == 0
