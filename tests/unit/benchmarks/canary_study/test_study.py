"""Runs end where their rule ends them, and are summed up as they ended."""

from typing import Any

import numpy as np
import pytest

from benchmarks.canary_study.rules import End, Ours
from benchmarks.canary_study.study import Ended, measure, policy, run, summarise
from benchmarks.canary_study.traffic import LOOK_S, Scenario, Traffic
from deployments.canary.policy import Policy


def traffic(requests: int = 100) -> Traffic:
    """One request a second, every fourth the canary's."""
    places = np.arange(requests, dtype=np.float64)
    return Traffic(places % 4 == 0, places + 0.5, np.arange(requests), values={})


class After:
    """Rolls back at a look."""

    def __init__(self, look: int) -> None:
        self._look = look
        self.seen: list[tuple[slice, float]] = []

    def look(self, until: slice, now_s: float) -> End | None:
        self.seen.append((until, now_s))
        return "rolled back" if len(self.seen) == self._look else None


def test_every_look_sees_the_requests_since_the_one_before() -> None:
    rule = After(9)
    assert run(traffic(), rule, np.array([50, 100])) == Ended(None, 25)
    assert rule.seen == [(slice(0, 50), LOOK_S), (slice(50, 100), 2 * LOOK_S)]


def test_a_run_ends_with_its_rule() -> None:
    assert run(traffic(), After(1), np.array([50, 100])) == Ended("rolled back", 13)


def test_a_run_that_never_ended_took_longer_than_any_that_did() -> None:
    ended = [
        *(Ended("rolled back", requests, {"error": "fail"}) for requests in (10, 20, 30)),
        Ended("promoted", 40, {"error": "pass", "total_ms": "insufficient"}),
        Ended(None, 50),
    ]
    found = summarise(ended)
    assert (found["runs"], found["rolled_back"], found["promoted"]) == (5, 0.6, 0.2)
    assert found["requests_to_roll_back"] == {"median": 30, "p90": None}
    assert found["requests_to_promote"] == {"median": None, "p90": None}
    assert (found["failed"], found["insufficient"]) == ({"error": 3}, {"total_ms": 1})


@pytest.mark.parametrize(("promotes", "mode"), [(True, "auto"), (False, "abort_only")])
def test_the_policy_is_the_default_one_with_a_single_step(promotes: bool, mode: str) -> None:
    rules = policy(baseline_ratio=2.0, looks=10, promotes=promotes)
    assert (rules.mode, rules.baseline_ratio, len(rules.steps)) == (mode, 2.0, 1)
    assert rules.guardrails == Policy().guardrails
    assert rules.max_false_alarms == Policy().max_false_alarms


def test_a_study_counts_every_run() -> None:
    done: list[None] = []
    found: dict[str, Any] = measure(
        Scenario("slow", slower=3.0),
        Ours,
        runs=4,
        looks=10,
        baseline_ratio=4.0,
        promotes=True,
        seed=1,
        on_done=lambda: done.append(None),
    )
    assert len(done) == 4
    assert (found["runs"], found["rolled_back"]) == (4, 1.0)
    assert Policy().min_effective_requests <= found["requests_to_roll_back"]["median"] < 120
    assert sum(found["failed"].values()) >= 4
    assert {name.split("_")[0] for name in found["failed"]} <= {"total", "ttft", "tpot"}
