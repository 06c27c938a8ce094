"""The rules see the same requests, and do what they are known for."""

import numpy as np
import pytest

from benchmarks.canary_study.gathering import evidence_by_look
from benchmarks.canary_study.rules import (
    MannWhitney,
    Ours,
    Rule,
    Window,
    ends_of_looks,
    mann_whitney_z,
)
from benchmarks.canary_study.study import MakeRule, policy
from benchmarks.canary_study.traffic import Scenario, Traffic, simulate

RULES = policy(baseline_ratio=4.0, looks=20, promotes=True)


def a_run(scenario: Scenario) -> Traffic:
    return next(simulate(scenario, runs=1, looks=20, baseline_ratio=4.0, seed=5))


def made(make: MakeRule, traffic: Traffic) -> Rule:
    """A rule that looks once, after all looks."""
    end = ends_of_looks(traffic, 20)[-1:]
    return make(traffic, RULES, evidence_by_look(traffic, end, block_s=10.0))


def whole(rule: Rule, traffic: Traffic) -> str | None:
    return rule.look(slice(0, int(ends_of_looks(traffic, 20)[-1])), 1000.0)


@pytest.mark.parametrize(
    ("first", "second", "z"),
    [
        ([1, 2, 3], [4, 5, 6], -1.9640),
        ([4, 5, 6], [1, 2, 3], 1.9640),
        ([1, 1, 2, 2], [1, 2, 2, 3], -0.9487),
        ([1, np.nan, 3], [2, np.nan], 0.0),
        ([1.0, 1.0], [1.0], 0.0),
        ([np.nan], [1.0, 2.0], 0.0),
    ],
)
def test_rank_sums(first: list[float], second: list[float], z: float) -> None:
    """Worked out by hand, ties with the variance that they leave."""
    assert mann_whitney_z(np.array(first), np.array(second)) == pytest.approx(z, abs=1e-3)


@pytest.mark.parametrize("make", [Ours, MannWhitney, Window])
def test_every_rule_finds_a_canary_of_twice_the_time(make: MakeRule) -> None:
    traffic = a_run(Scenario("slow", slower=2.0))
    assert whole(made(make, traffic), traffic) == "rolled back"


def test_ours_says_what_failed_and_what_is_not_known() -> None:
    scenario = Scenario("failing", shares={"error": 0.15}, blind="refused")
    traffic = a_run(scenario)
    ours = made(Ours, traffic)
    assert isinstance(ours, Ours)
    assert ours.outcomes() == {}
    assert whole(ours, traffic) == "rolled back"
    outcomes = ours.outcomes()
    assert (outcomes["error"], outcomes["refused"], outcomes["burst"]) == (
        "fail",
        "insufficient",
        "pass",
    )
    assert "total_ms.tail" in outcomes
    assert "citations" not in outcomes


def test_ours_promotes_an_equal_canary_after_enough_looks() -> None:
    scenario = Scenario("equal")
    traffic = next(simulate(scenario, runs=1, looks=300, baseline_ratio=4.0, seed=5))
    ends = ends_of_looks(traffic, 300)[[0, -1]]
    ours = Ours(traffic, RULES, evidence_by_look(traffic, ends, block_s=10.0))
    assert ours.look(slice(0, int(ends[0])), 50.0) is None
    assert ours.look(slice(int(ends[0]), int(ends[1])), 600.0) == "promoted"


def test_a_window_without_errors_of_the_baseline_sees_none() -> None:
    scenario = Scenario("failing", slower=0.7, shares={"error": 0.15}, stable_shares={"error": 0.0})
    traffic = a_run(scenario)
    assert whole(made(Window, traffic), traffic) is None
