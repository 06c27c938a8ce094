"""Figures are those of the ok answers, hide no failure, and know how sure they are."""

import json

import numpy as np
import pytest

from benchmarks.load.driver import Outcome, Sample
from benchmarks.load.summary import confidence_intervals, summarise, summarise_runs


def sample(due_s: float, latency_ms: float, outcome: Outcome = "ok", detail: str = "") -> Sample:
    return Sample(due_s, due_s, due_s + latency_ms / 1e3, outcome, detail)


def test_percentiles_are_of_the_ok_answers_alone() -> None:
    samples = [sample(index / 100, index + 1.0) for index in range(100)]
    samples += [sample(0.5, 9000.0, "failed", "HTTP 500"), sample(0.5, 0.5, "refused")]
    found = summarise(samples, duration_s=2.0)
    assert (found["count"], found["ok"], found["refused"], found["failed"]) == (102, 100, 1, 1)
    assert found["p50_ms"] == pytest.approx(50.5, abs=0.01)
    assert found["p95_ms"] == pytest.approx(95.05, abs=0.01)
    assert found["p99_ms"] == pytest.approx(99.01, abs=0.01)
    assert found["mean_ms"] == pytest.approx(50.5, abs=0.01)
    assert found["refused_p50_ms"] == pytest.approx(0.5)
    assert found["refused_p95_ms"] == pytest.approx(0.5)
    assert found["failures"] == {"HTTP 500": 1}
    assert found["requests_per_s"] == 50.0


def test_every_percentile_has_an_interval_around_it() -> None:
    random = np.random.default_rng(3)
    found = summarise(
        [sample(index / 100, value) for index, value in enumerate(random.gamma(2, 20, 500))],
        duration_s=5.0,
    )
    for name in ("p50", "p95", "p99", "mean"):
        low, high = found[f"{name}_ci95_ms"]
        assert low < found[f"{name}_ms"] < high


def test_rates_count_what_came_within_the_duration() -> None:
    samples = [sample(0.1, 50), sample(0.2, 150), sample(0.3, 400), sample(0.9, 200)]
    found = summarise(samples, duration_s=1.0, slo_ms=200.0)
    assert found["requests_per_s"] == 3.0
    assert found["goodput_per_s"] == 2.0
    assert found["slo_ms"] == 200.0


def test_without_an_objective_there_is_no_goodput() -> None:
    assert "goodput_per_s" not in summarise([sample(0, 1)], duration_s=1.0)


def test_nothing_is_none_and_the_result_is_json() -> None:
    found = summarise([], duration_s=1.0, slo_ms=10.0)
    assert found["count"] == 0
    assert found["p95_ms"] is None
    assert found["p95_ci95_ms"] is None
    assert found["refused_p95_ms"] is None
    assert found["requests_per_s"] == 0.0
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_one_answer_is_its_own_percentile() -> None:
    found = summarise([sample(0.0, 12.0)], duration_s=1.0)
    assert found["p50_ms"] == found["p99_ms"] == pytest.approx(12.0)
    assert found["p99_ci95_ms"] == pytest.approx([12.0, 12.0])
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_runs_are_taken_together() -> None:
    runs = [[sample(0.0, 10), sample(0.5, 20)], [sample(0.0, 30), sample(0.9, 200)]]
    found = summarise_runs(runs, duration_s=1.0)
    assert found["count"] == 4
    assert found["p50_ms"] == pytest.approx(25.0)
    # Three answers within two seconds: the fourth came after the end of its own run.
    assert found["requests_per_s"] == 1.5


def mean(values: np.ndarray) -> np.ndarray:
    return np.array([values.mean()])


def test_the_interval_of_independent_values_is_that_of_theory() -> None:
    """The mean of n values with deviation 1 lies within 1.96 / sqrt(n)."""
    values = np.random.default_rng(5).normal(100, 1, 4000)
    low, high = confidence_intervals(values, mean)[:, 0]
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(4000), rel=0.25)


def test_values_that_are_slow_together_widen_the_interval() -> None:
    """Waves as of a queue that fills and empties: drawing one by one would not see them."""
    random = np.random.default_rng(6)
    waves = np.repeat(random.normal(100, 1, 400), 10)
    alone = random.permutation(waves)
    (low, high), (alone_low, alone_high) = (
        confidence_intervals(values, mean)[:, 0] for values in (waves, alone)
    )
    assert high - low > 2 * (alone_high - alone_low)
