"""Parameters and figures of a release are what MLflow takes, and what people compare."""

import re

import pytest

from deployments.activity import MinuteCounts, ReleaseMinute
from deployments.tracking.releases.figures import metrics_of, params_of
from tests.activity_reports import make_minute, make_sketch

ALLOWED = re.compile(r"[\w.\- /]+")


def test_parameters_are_flat_and_within_the_limits() -> None:
    vector = {
        "top_k": 5,
        "rerank": True,
        "generator": ["g1", "g2"],
        "deep": {"er": {"x": None}},
        "odd#key'": "y" * 10_000,
    }
    params = params_of("a", vector)
    assert params.pop("odd_key_") == "y" * 500
    assert params == {
        "release": "a",
        "top_k": "5",
        "rerank": "true",
        "generator": '["g1", "g2"]',
        "deep.er.x": "null",
    }


def test_figures_are_rates_ratios_and_quantiles() -> None:
    counts = MinuteCounts(
        requests=120,
        failed=12,
        aborted=6,
        rejected=3,
        answered=80,
        ungrounded=20,
        truncated=8,
        blocked=4,
        degraded=60,
        prompt_tokens=6000,
        cached_tokens=1500,
        completion_tokens=600,
        cost_picousd=2_500_000_000_000,
    )
    timings = {"total_ms": make_sketch(range(1, 101)), "odd#stage_ms": make_sketch([5.0])}
    metrics = metrics_of(ReleaseMinute("a", "f1", 7, counts, timings))
    assert all(ALLOWED.fullmatch(name) for name in metrics)
    quantiles = {name: metrics.pop(name) for name in list(metrics) if "_ms_p" in name}
    assert metrics == {
        "requests": 120,
        "requests_per_s": 2,
        "error_ratio": 0.1,
        "aborted_ratio": 0.05,
        "rejected_ratio": 0.025,
        "degraded_ratio": 0.5,
        "refusal_ratio": 0.25,
        "truncated_ratio": 0.1,
        "blocked_ratio": 0.05,
        "cached_ratio": 0.25,
        "prompt_tokens_per_s": 100,
        "completion_tokens_per_s": 10,
        "cost_usd": 2.5,
    }
    assert quantiles == {
        "total_ms_p50": pytest.approx(50, rel=0.01),
        "total_ms_p95": pytest.approx(95, rel=0.01),
        "total_ms_p99": pytest.approx(99, rel=0.01),
        **{f"odd_stage_ms_{name}": pytest.approx(5, rel=0.01) for name in ("p50", "p95", "p99")},
    }


def test_of_nothing_there_is_no_ratio() -> None:
    metrics = metrics_of(make_minute(7, times_ms=(), failed=2))
    assert metrics["error_ratio"] == 1.0
    assert not {"refusal_ratio", "cached_ratio", "total_ms_p50"} & set(metrics)


def test_what_people_and_judges_say_is_a_mean() -> None:
    counts = MinuteCounts(
        requests=9,
        rated=4,
        rating_thousandths=3000,
        judged=2,
        groundedness_thousandths=1500,
        relevance_thousandths=1000,
    )
    metrics = metrics_of(ReleaseMinute("a", "f1", 7, counts, {}))
    assert (metrics["rated"], metrics["feedback_score"]) == (4, 0.75)
    assert (metrics["judged"], metrics["groundedness"], metrics["relevance"]) == (2, 0.75, 0.5)
    assert not {"rated", "judged", "feedback_score"} & set(metrics_of(make_minute(7)))
