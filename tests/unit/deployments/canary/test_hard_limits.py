"""What needs no comparison: alarms and bursts act at once, objectives hold for every release."""

from typing import Any

import numpy as np
import pytest

from deployments.canary.evidence import Evidence, merge
from deployments.canary.hard_limits import guard
from deployments.canary.policy import Policy
from deployments.canary.recording import Outcomes, gather
from deployments.canary.verdict import Verdict

POLICY = Policy()


def errors(canary: list[float], baseline: list[float], *, at_s: float = 0.0) -> Evidence:
    """The latest request at the given time, the others a second apart before it."""

    def outcomes(failed: list[float]) -> Outcomes:
        count = len(failed)
        return Outcomes(at_s - np.arange(count)[::-1], np.arange(count) % 128, {"error": failed})

    return gather(
        {"canary": outcomes(canary), "baseline": outcomes(baseline)}, stage=0, block_s=10.0
    )


def only(verdicts: list[Verdict]) -> Verdict:
    assert len(verdicts) == 1
    return verdicts[0]


@pytest.mark.parametrize(
    ("canary", "baseline", "outcome"),
    [
        ([1] * 6, [0] * 6, "fail"),
        ([1] * 6, [], "fail"),
        ([1] * 6, [1] * 30, "inconclusive"),
        ([1] * 3, [0] * 30, "pass"),
        ([0, 0, 0, 1] * 30, [0] * 30, "pass"),
        ([0, 1] * 30, [0] * 30, "fail"),
        ([0] * 6, [1] * 30, "pass"),
        ([1] * 13 + [0] * 7, [1, 0, 0] * 27, "inconclusive"),
        ([1] * 13 + [0] * 7, [1, 0, 0, 0, 0] * 16, "fail"),
        ([1] * 20, [1, 0], "fail"),
    ],
    ids=[
        "all-fail",
        "no-baseline",
        "both-fail",
        "three",
        "a-quarter",
        "half",
        "stable-fails",
        "a-bad-hour",
        "a-good-one",
        "little-baseline",
    ],
)
def test_a_burst_of_errors(canary: list[float], baseline: list[float], outcome: str) -> None:
    verdict = only(guard(POLICY, errors(canary, baseline)))
    assert (verdict.metric, verdict.outcome) == ("burst", outcome)
    assert f"{sum(canary):.0f} of" in verdict.reason


def test_a_good_past_hides_no_burst() -> None:
    past = errors([0] * 3000, [0] * 3000, at_s=10_000.0)
    evidence = merge(past, errors([1] * 20, [0] * 20, at_s=10_060.0))
    assert only(guard(POLICY, evidence)).outcome == "fail"
    assert only(guard(POLICY, merge(past, errors([1], [0], at_s=10_060.0)))).outcome == "pass"


def test_a_burst_in_the_past_is_still_one_of_the_whole_stage() -> None:
    assert only(guard(POLICY, errors([1.0] * 60 + [0.0] * 60, [0.0] * 120))).outcome == "fail"


def test_the_limit_of_a_burst_is_the_policys() -> None:
    many = errors([1] * 30, [0] * 30)
    assert guard(Policy(burst=None), many) == []
    high = Policy.model_validate({"burst": {"max_share": 0.9}})
    assert only(guard(high, many)).outcome == "pass"


def test_an_alarm_fails_without_any_request() -> None:
    verdict = only(guard(POLICY, Evidence(0, 10.0).with_alarms("generator-v2 is UNHEALTHY")))
    assert (verdict.outcome, verdict.rolls_back) == ("fail", True)
    assert verdict.reason == "generator-v2 is UNHEALTHY"


def test_nothing_is_known_without_requests() -> None:
    assert guard(POLICY, Evidence(0, 10.0)) == []


OBJECTIVE = Policy.model_validate(
    {
        "burst": None,
        "objectives": [{"metric": "total_ms", "max_ms": 1000.0, "max_share": 0.05}],
    }
)


@pytest.mark.parametrize(
    ("canary", "baseline", "outcome"),
    [
        (0.01, 0.01, "pass"),
        (0.05, 0.2, "pass"),
        (0.06, 0.01, "inconclusive"),
        (0.2, 0.01, "fail"),
        (0.2, 0.2, "inconclusive"),
        (0.2, None, "fail"),
        (None, 0.01, "insufficient"),
    ],
)
def test_objectives_in_time(
    evidence_of: Any, canary: float | None, baseline: float | None, outcome: str
) -> None:
    def times(slow: float | None) -> dict[str, np.ndarray]:
        if slow is None:
            return {}
        mixed = np.random.default_rng(1).permutation(1000)
        return {"total_ms": np.where(mixed < 1000 * slow, 1100.0, 900.0)}

    verdict = only(guard(OBJECTIVE, evidence_of(times(canary), times(baseline))))
    assert (verdict.metric, verdict.outcome) == ("objective.total_ms", outcome)
    if canary is not None:
        assert verdict.threshold_ms == 1024.0
    if canary == baseline == 0.2:
        assert "stable misses it as well" in verdict.reason


def test_objectives_in_shares_need_enough_requests(evidence_of: Any) -> None:
    policy = Policy.model_validate(
        {"burst": None, "objectives": [{"metric": "error", "max_share": 0.02}]}
    )
    few, many = {"error": np.zeros(40)}, {"error": np.zeros(200)}
    assert only(guard(policy, evidence_of(few, few))).outcome == "insufficient"
    assert only(guard(policy, evidence_of(many, many))).outcome == "pass"
