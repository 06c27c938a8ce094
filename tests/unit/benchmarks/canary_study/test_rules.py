"""The rules see the same requests, and do what they are known for."""

import numpy as np
import pytest

from benchmarks.canary_study.rules import (
    MannWhitney,
    Ours,
    Rule,
    Window,
    ends_of_looks,
    mann_whitney_z,
)
from benchmarks.canary_study.study import policy
from benchmarks.canary_study.traffic import Scenario, Traffic, simulate
from deployments.canary.evidence import Evidence, merge
from deployments.canary.recording import Recorder

RULES = policy(baseline_ratio=4.0, looks=20, promotes=True)


def a_run(scenario: Scenario) -> Traffic:
    return next(simulate(scenario, runs=1, looks=20, baseline_ratio=4.0, seed=5))


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
def test_every_rule_finds_a_canary_of_twice_the_time(make: type[Ours]) -> None:
    traffic = a_run(Scenario("slow", slower=2.0))
    assert whole(make(traffic, RULES), traffic) == "rolled back"


def test_ours_says_what_failed() -> None:
    traffic = a_run(Scenario("failing", shares={"error": 0.15}))
    ours = Ours(traffic, RULES)
    assert whole(ours, traffic) == "rolled back"
    assert ours.reason == "error"


def test_a_window_without_errors_of_the_baseline_sees_none() -> None:
    scenario = Scenario("failing", slower=0.7, shares={"error": 0.15}, stable_shares={"error": 0.0})
    traffic = a_run(scenario)
    assert whole(Window(traffic, RULES), traffic) is None


def test_ours_is_fed_what_a_recorder_would_gather() -> None:
    traffic = a_run(Scenario("equal"))
    ours = Ours(traffic, RULES)
    evidence = Evidence(0, RULES.block_s)
    seen = 0
    for end in ends_of_looks(traffic, 3).tolist():
        ours.look(slice(seen, end), 50.0)
        recorder = Recorder(
            stage=0,
            counted_from_s=0.0,
            metrics=tuple(traffic.values),
            block_s=RULES.block_s,
        )
        for at in range(seen, end):
            recorder.observe(
                "canary" if traffic.canary[at] else "baseline",
                sticky_key=str(traffic.callers[at]),
                at_s=float(traffic.at_s[at]),
                values={name: values[at] for name, values in traffic.values.items()},
            )
        evidence = merge(evidence, recorder.drain())
        seen = end
    decided, _ = ours.decide()
    for verdict in decided.verdicts:
        if verdict.metric in ("burst",) or verdict.metric.endswith(".tail"):
            continue
        tally = evidence.tally("canary", verdict.metric)
        assert verdict.canary_requests == (tally.count if tally else 0)
        if verdict.metric == "error":
            assert tally is not None
            assert verdict.canary == pytest.approx(tally.mean)
