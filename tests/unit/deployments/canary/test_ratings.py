"""A canary that is liked less is rolled back; few ratings say nothing, and hold up nobody."""

from typing import Any

import numpy as np
import pytest

from benchmarks.canary_study.rules import Ours
from benchmarks.canary_study.study import measure
from benchmarks.canary_study.traffic import Scenario
from deployments.canary.guardrails import Guardrail, default_guardrails
from deployments.canary.metrics import RATINGS
from deployments.canary.policy import Objective, Policy, Shadow, Step
from deployments.canary.rollout import decide, start
from deployments.canary.verdict import Verdict, judge

GUARDRAIL = default_guardrails()["feedback"]
POLICY = Policy(steps=(Step(weight=0.5),))
Likes = tuple[int, int]
"""Liked, of so many."""


def liking(likes: Likes) -> dict[str, object]:
    liked, count = likes
    order = np.random.default_rng(count).permutation(count)
    return {"feedback": (order < liked).astype(float)}


def verdict_on(evidence: Any, policy: Policy = POLICY) -> Verdict | None:
    return judge(policy, evidence, "feedback")


def waiting_for(ratings: int) -> Policy:
    guardrail = GUARDRAIL.model_copy(update={"min_ratings": ratings})
    return POLICY.model_copy(update={"guardrails": POLICY.guardrails | {"feedback": guardrail}})


@pytest.mark.parametrize(
    ("canary", "baseline", "outcome"),
    [
        ((90, 150), (540, 600), "fail"),
        ((135, 150), (540, 600), "inconclusive"),
        ((150, 150), (480, 600), "pass"),
        ((1400, 1500), (1400, 1500), "pass"),
        ((5, 20), (540, 600), "insufficient"),
        ((0, 0), (540, 600), "insufficient"),
    ],
    ids=["less", "open", "more", "equal", "few", "none"],
)
def test_what_ratings_say(evidence_of: Any, canary: Likes, baseline: Likes, outcome: str) -> None:
    verdict = verdict_on(evidence_of(liking(canary), liking(baseline)))
    assert verdict is not None
    assert verdict.outcome == outcome
    assert verdict.rolls_back
    assert not verdict.holds_up, "nobody waits for ratings unless the policy does"


def test_figures_are_shares_and_a_change_for_the_worse_is_positive(evidence_of: Any) -> None:
    verdict = verdict_on(evidence_of(liking((90, 150)), liking((540, 600))))
    assert verdict is not None
    assert verdict.canary == pytest.approx(0.6)
    assert verdict.baseline == pytest.approx(0.9)
    assert verdict.change == pytest.approx(0.3)
    assert verdict.lower is not None
    assert verdict.upper is not None
    assert 0.1 < verdict.lower < 0.3 < verdict.upper


def test_scores_between_count_as_they_are(evidence_of: Any) -> None:
    canary, baseline = np.full(400, 0.4), np.full(800, 0.9)
    verdict = verdict_on(evidence_of({"feedback": canary}, {"feedback": baseline}))
    assert verdict is not None
    assert verdict.outcome == "fail"
    assert verdict.canary == pytest.approx(0.4)


def test_without_any_rating_there_is_no_verdict(evidence_of: Any) -> None:
    evidence = evidence_of({"error": np.zeros(100)}, {"error": np.zeros(100)})
    assert verdict_on(evidence) is None


@pytest.mark.parametrize(
    ("canary", "baseline", "holds_up"),
    [
        ((45, 50), (180, 200), True),
        ((108, 120), (540, 600), False),
        ((90, 120), (540, 600), True),
        ((120, 120), (540, 600), False),
        ((0, 0), (0, 0), True),
    ],
    ids=["too-few", "enough", "seems-worse", "better", "none"],
)
def test_a_policy_that_asks_for_ratings_waits_for_them(
    evidence_of: Any, canary: Likes, baseline: Likes, holds_up: bool
) -> None:
    evidence = evidence_of(liking(canary), liking(baseline))
    verdict = verdict_on(evidence, waiting_for(100))
    assert verdict is not None
    assert verdict.holds_up is holds_up or verdict.outcome == "fail"
    if max(canary) and canary[1] < 100:
        assert "50 of 100 ratings" in verdict.reason


def test_nobody_rates_what_a_shadow_answers(evidence_of: Any) -> None:
    policy = waiting_for(100).model_copy(update={"shadow": Shadow()})
    assert verdict_on(evidence_of({}, {}), policy) is None
    assert verdict_on(evidence_of({}, {}, stage=1), policy) is not None


def test_ratings_are_never_missed_on_requests() -> None:
    assert "feedback" in POLICY.guardrails
    assert not RATINGS & set(POLICY.recorded)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="min_ratings is for feedback"):
        Policy(guardrails={"error": Guardrail(margin=0.1, min_ratings=5)})
    with pytest.raises(ValueError, match="no objective can be set"):
        Objective(metric="feedback", max_share=0.1)


def test_ratings_alone_end_no_stage(evidence_of: Any) -> None:
    evidence = evidence_of(liking((900, 1000)), liking((900, 1000)))
    only = POLICY.model_copy(update={"guardrails": {"feedback": GUARDRAIL}})
    decision, _ = decide(only, evidence, start(0.0), 1000.0)
    assert decision.action == "hold"
    assert "no guardrail has a value" in decision.reason


def rolled_back(*, liked: float, runs: int) -> float:
    """Returns the share of simulated rollouts that are rolled back: 40 looks at some 400 ratings of
    the canary in the end, and four times as many of stable."""
    found = measure(
        Scenario("", rated=0.5, liked=liked),
        Ours,
        runs=runs,
        looks=40,
        baseline_ratio=4.0,
        promotes=False,
        seed=3,
        on_done=lambda: None,
    )
    return float(found["rolled_back"])


def test_most_canaries_that_are_liked_less_go_and_few_that_are_liked_as_much() -> None:
    assert rolled_back(liked=0.75, runs=30) >= 0.8
    assert rolled_back(liked=0.9, runs=40) <= 0.1
