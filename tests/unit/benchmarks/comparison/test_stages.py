"""What the stages say of their own time."""

from typing import Any

import pytest

from benchmarks.comparison.stages import time_in_models_ms, time_in_replicas_ms


@pytest.mark.parametrize(
    ("stages", "models_ms", "replicas_ms"),
    [
        ({"a": {"total_ms": 9.0, "queue_ms": 1.0, "inference_ms": 2.0}}, 3.0, None),
        ({"a": {"queue_ms": 1.0}, "b": {"inference_ms": 4.0, "replica_ms": 6.0}}, 5.0, 6.0),
        ({"a": {"queue_ms": 1.0, "inference_ms": None}, "b": {}}, 1.0, None),
        ({"a": {"replica_ms": 2.0}, "b": {"replica_ms": 0.0}}, None, 2.0),
        ({"a": {"total_ms": 9.0}}, None, None),
        ({}, None, None),
    ],
    ids=["one", "two", "silent-stage", "replicas-only", "totals-only", "no-stages"],
)
def test_sum_of_what_is_told(
    stages: dict[str, Any], models_ms: float | None, replicas_ms: float | None
) -> None:
    timings = {"total_ms": 20.0, "stages": stages}
    assert time_in_models_ms(timings) == models_ms
    assert time_in_replicas_ms(timings) == replicas_ms
