"""Each metric passes, fails, or is not known yet, for reasons that are given in words."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.canary.evidence import Evidence, merge
from deployments.canary.policy import Policy, Step
from deployments.canary.verdict import Verdict, judge

POLICY = Policy(steps=(Step(weight=0.1),))
MEASURED = [
    name
    for name in POLICY.guardrails
    if name not in ("overlap", "agreement", "judge") and not name.endswith(".tail")
]


def times(median: float, *, count: int = 1500, sigma: float = 0.6, seed: int = 1) -> np.ndarray:
    return median * np.random.default_rng(seed).lognormal(0.0, sigma, count)


def events(count: int, *, of: int = 1500) -> np.ndarray:
    """As many ones among zeros, in any order."""
    return np.random.default_rng(count).permutation(np.arange(of) < count).astype(float)


def verdict_on(metric: str, evidence: Evidence, policy: Policy = POLICY) -> Verdict:
    found = judge(policy, evidence, metric)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("canary", "outcome"),
    [
        (times(800), "pass"),
        (times(640), "pass"),
        (times(1000), "fail"),
        (times(900, count=120), "inconclusive"),
        (times(1000, count=40), "insufficient"),
        ([], "insufficient"),
    ],
    ids=["equal", "faster", "slower", "open", "too-few", "none"],
)
def test_times(evidence_of: Any, canary: object, outcome: str) -> None:
    evidence = evidence_of({"total_ms": canary}, {"total_ms": times(800, count=6000, seed=2)})
    verdict = verdict_on("total_ms", evidence)
    assert verdict.outcome == outcome
    assert verdict.reason.startswith("time of the whole answer: ")


def test_figures_of_times_are_geometric_means_and_relative(evidence_of: Any) -> None:
    canary, baseline = times(1000), times(800, seed=2)
    verdict = verdict_on("total_ms", evidence_of({"total_ms": canary}, {"total_ms": baseline}))
    assert verdict.canary == pytest.approx(math.exp(np.log(canary).mean()))
    assert verdict.baseline == pytest.approx(math.exp(np.log(baseline).mean()))
    assert verdict.canary is not None
    assert verdict.baseline is not None
    assert verdict.change is not None
    assert verdict.change == pytest.approx(verdict.canary / verdict.baseline - 1)
    assert verdict.lower is not None
    assert verdict.upper is not None
    assert 0 < verdict.lower < verdict.change < verdict.upper
    assert verdict.margin == pytest.approx(0.1)
    assert (verdict.canary_requests, verdict.baseline_requests) == (1500, 1500)


@pytest.mark.parametrize(
    ("metric", "canary", "baseline", "outcome"),
    [
        ("error", 15, 15, "inconclusive"),
        ("error", 0, 0, "pass"),
        ("error", 75, 15, "fail"),
        ("error", 40, 0, "fail"),
        ("error", 6, 0, "inconclusive"),
        ("error", 27, 15, "inconclusive"),
        ("truncated", 75, 75, "pass"),
        ("refused", 300, 150, "fail"),
        ("degraded", 1500, 1350, "fail"),
    ],
)
def test_shares(evidence_of: Any, metric: str, canary: int, baseline: int, outcome: str) -> None:
    """Of 1,500 and of 6,000 requests: the figures of the baseline are per 1,500."""
    evidence = evidence_of({metric: events(canary)}, {metric: events(4 * baseline, of=6000)})
    assert verdict_on(metric, evidence).outcome == outcome


def test_a_few_errors_against_none_are_caught_early(evidence_of: Any) -> None:
    """Zero errors are a number, and no gap in the data."""
    evidence = evidence_of({"error": events(9, of=200)}, {"error": np.zeros(800)})
    verdict = verdict_on("error", evidence)
    assert (verdict.outcome, verdict.baseline) == ("fail", 0.0)


@pytest.mark.parametrize("baseline", [{}, {"error": []}, {"error": [math.nan] * 800}])
def test_a_baseline_without_values_lets_nothing_pass(
    evidence_of: Any, baseline: dict[str, object]
) -> None:
    verdict = verdict_on("error", evidence_of({"error": np.zeros(800)}, baseline))
    assert verdict.outcome == "insufficient"
    assert "the baseline has no value" in verdict.reason


def test_a_wider_distribution_with_the_same_median_fails_by_its_tail(evidence_of: Any) -> None:
    evidence = evidence_of(
        {"total_ms": times(800, sigma=0.9)}, {"total_ms": times(800, count=6000, seed=2)}
    )
    tail = verdict_on("total_ms.tail", evidence)
    assert verdict_on("total_ms", evidence).outcome != "fail"
    assert tail.outcome == "fail"
    assert tail.threshold_ms is not None
    assert 1200 < tail.threshold_ms < 2500
    assert tail.baseline is not None
    assert 0.02 < tail.baseline <= 0.1


def test_a_tail_beyond_every_threshold_is_no_error(evidence_of: Any) -> None:
    slow = {"total_ms": times(1e9)}
    assert verdict_on("total_ms.tail", evidence_of(slow, slow)).outcome == "pass"


@pytest.mark.parametrize(
    ("metric", "canary", "outcome"),
    [
        ("completion_tokens", 100.0, "pass"),
        ("completion_tokens", 140.0, "fail"),
        ("completion_tokens", 70.0, "fail"),
        ("citations", 70.0, "fail"),
        ("citations", 140.0, "pass"),
        ("cost", 70.0, "pass"),
        ("cost", 140.0, "fail"),
    ],
)
def test_means_have_a_direction(evidence_of: Any, metric: str, canary: float, outcome: str) -> None:
    draw = np.random.default_rng(5).gamma(4.0, 0.25, 24000)
    evidence = evidence_of({metric: canary * draw[:12000]}, {metric: 100.0 * draw[12000:]})
    policy = Policy.model_validate({"guardrails": {metric: {"margin": 0.1}}})
    verdict = verdict_on(metric, evidence, policy)
    assert verdict.outcome == outcome
    if outcome == "fail":
        assert verdict.change is not None
        assert 0.2 < verdict.change < 0.5


def test_a_mean_of_zero_has_no_ratio(evidence_of: Any) -> None:
    verdict = verdict_on("citations", evidence_of({"citations": [0] * 99}, {"citations": [1] * 99}))
    assert verdict.outcome == "insufficient"
    assert "a mean of zero has no ratio" in verdict.reason


@pytest.mark.parametrize(("canary", "outcome"), [(50.0, "pass"), (51.0, "pass"), (70.0, "fail")])
def test_values_that_never_differ_still_compare(
    evidence_of: Any, canary: float, outcome: str
) -> None:
    evidence = evidence_of({"total_ms": [canary] * 200}, {"total_ms": [50.0] * 200})
    verdict = verdict_on("total_ms", evidence)
    assert verdict.outcome == outcome
    assert verdict.lower is not None
    assert verdict.upper is not None
    assert verdict.lower < verdict.upper


@pytest.mark.parametrize(
    ("metric", "score", "outcome"),
    [
        ("judge", 0.5, "pass"),
        ("judge", 0.3, "fail"),
        ("judge", 0.44, "inconclusive"),
        ("overlap", 0.9, "pass"),
        ("overlap", 0.2, "fail"),
        ("agreement", 0.8, "pass"),
        ("agreement", 0.2, "fail"),
    ],
)
def test_shadow_pairs(evidence_of: Any, metric: str, score: float, outcome: str) -> None:
    scores = events(round(400 * score), of=400)
    verdict = verdict_on(metric, evidence_of({}, {}, pairs={metric: scores}))
    assert verdict.outcome == outcome
    assert verdict.rolls_back is False


def test_a_guardrail_of_any_weight_has_a_verdict(evidence_of: Any) -> None:
    """One that never rolls back, and weighs more than all that do."""
    shown = {"margin": 0.1, "rolls_back": "never", "weight": 1e6}
    policy = Policy.model_validate({"guardrails": {"cost": shown}})
    evidence = evidence_of({"cost": times(1)}, {"cost": times(1, seed=2)})
    assert verdict_on("cost", evidence, policy).outcome in ("pass", "inconclusive")


def test_a_judge_that_is_out_is_insufficient_where_it_is_needed(evidence_of: Any) -> None:
    evidence = evidence_of({}, {}, pairs={"judge": [math.nan] * 100})
    policy = Policy.model_validate({"guardrails": {"judge": {"margin": 0.05}}})
    assert verdict_on("judge", evidence, policy).outcome == "insufficient"
    assert judge(POLICY, evidence, "judge") is None


def test_a_metric_that_nobody_measures_is_left_out_only_where_it_is_not_needed(
    evidence_of: Any,
) -> None:
    nothing = evidence_of({}, {})
    assert judge(POLICY, nothing, "ttft_ms") is None
    assert verdict_on("total_ms", nothing).outcome == "insufficient"
    one_arm = evidence_of({"ttft_ms": times(100)}, {})
    assert verdict_on("ttft_ms", one_arm).outcome == "insufficient"


def test_values_that_are_missing_in_one_arm_only_do_not_compare(evidence_of: Any) -> None:
    holes = np.where(np.arange(1500) % 2 == 0, np.nan, times(800))
    evidence = evidence_of({"total_ms": holes}, {"total_ms": times(800, seed=2)})
    verdict = verdict_on("total_ms", evidence)
    assert verdict.outcome == "insufficient"
    assert "50% of the canary's requests have no value" in verdict.reason


def test_requests_of_few_callers_are_few(evidence_of: Any) -> None:
    """One caller's requests, all failing, are worth one."""
    evidence = evidence_of({"error": events(300)}, {"error": events(15)})
    tally = evidence.tallies["canary"]["error"]
    tally.buckets[0] += tally.buckets[1:].sum(axis=0)
    tally.buckets[1:] = 0.0
    verdict = verdict_on("error", evidence)
    assert verdict.outcome == "insufficient"
    assert "callers or moments" in verdict.reason


def test_strictness_needs_more_than_the_margin_proven(evidence_of: Any) -> None:
    evidence = evidence_of(
        {"total_ms": times(940, count=600)}, {"total_ms": times(800, count=600, seed=2)}
    )
    strict = Policy.model_validate(
        {"guardrails": {"total_ms": {"margin": 0.1, "rolls_back": "beyond_margin"}}}
    )
    assert verdict_on("total_ms", evidence).outcome == "fail"
    assert verdict_on("total_ms", evidence, strict).outcome == "inconclusive"


@pytest.mark.parametrize("metric", POLICY.guardrails)
def test_no_data_is_never_more_than_insufficient(metric: str) -> None:
    found = judge(POLICY, Evidence(0, 10.0), metric)
    assert found is None or found.outcome == "insufficient"
    assert found is not None or not POLICY.guardrails[metric].needed


@settings(max_examples=60)
@given(
    st.sampled_from(MEASURED),
    st.integers(0, 2**32),
    st.integers(0, 200),
    st.floats(0.5, 2.0),
    st.integers(1, 4),
)
def test_the_same_evidence_again_takes_no_word_back(
    evidence_of: Any, metric: str, seed: int, count: int, factor: float, doublings: int
) -> None:
    """What passed or failed is never insufficient again."""
    generator = np.random.default_rng(seed)
    values = generator.integers(0, 2, 2 * count) * 1.0
    if metric not in ("error", "aborted", "truncated", "refused", "degraded"):
        values = generator.lognormal(0, 0.3, 2 * count)
        values[:count] *= factor
    evidence = evidence_of({metric: values[:count]}, {metric: values[count:]})
    known = False
    for _ in range(doublings):
        found = judge(POLICY, evidence, metric)
        assert found is None or not (known and found.outcome == "insufficient")
        known = found is not None and found.outcome in ("pass", "fail")
        evidence = merge(evidence, evidence)
