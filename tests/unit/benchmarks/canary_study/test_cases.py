"""Goals say whether runs reach them, and nothing of too few runs."""

from typing import Any

import pytest

from benchmarks.canary_study.cases import CASES, Goal
from deployments.canary.metrics import METRICS

FOUND: dict[str, Any] = {
    "runs": 200,
    "rolled_back": 0.95,
    "promoted": 0.0,
    "requests_to_roll_back": {"median": 120, "p90": None},
    "insufficient": {"error": 200, "total_ms": 3},
}


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal("rolled_back", runs=200, at_least=0.95), True),
        (Goal("rolled_back", runs=200, at_least=0.96), False),
        (Goal("rolled_back", runs=200, at_most=0.01), False),
        (Goal("rolled_back", runs=201, at_most=0.01), None),
        (Goal("promoted", runs=1, at_most=0.0), True),
        (Goal("requests_to_roll_back", runs=1, at_most=120), True),
        (Goal("requests_to_roll_back", runs=1, at_most=119), False),
        (Goal("insufficient", runs=1, at_least=1.0, metric="error"), True),
        (Goal("insufficient", runs=1, at_least=1.0, metric="total_ms"), False),
        (Goal("insufficient", runs=1, at_least=1.0, metric="refused"), False),
    ],
)
def test_goals(goal: Goal, met: bool | None) -> None:
    assert goal.met(FOUND) is met


def test_a_median_that_was_never_reached_misses_every_limit() -> None:
    found = {**FOUND, "requests_to_roll_back": {"median": None, "p90": None}}
    assert Goal("requests_to_roll_back", runs=1, at_most=10_000).met(found) is False


def test_a_goal_in_words() -> None:
    assert str(Goal("requests_to_roll_back", runs=1, at_most=120)) == "median of requests <= 120"
    assert str(Goal("rolled_back", runs=1, at_most=0.01)) == "rolled back <= 1%"
    assert (
        str(Goal("insufficient", runs=1, at_least=1.0, metric="error"))
        == "error insufficient >= 100%"
    )


def test_a_thousand_runs_are_enough_for_every_goal_of_every_case() -> None:
    for case in CASES:
        assert all(goal.runs <= 1000 // case.part for goal in case.goals)
        assert all(not goal.metric or goal.metric in METRICS for goal in case.goals)
