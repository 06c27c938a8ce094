"""What a policy accepts, and what follows from it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deployments.canary.metrics import METRICS
from deployments.canary.policy import Policy

SHOWN = {"margin": 0.1, "rolls_back": "never"}


def test_the_default_is_a_careful_ramp() -> None:
    policy = Policy()
    assert [step.weight for step in policy.steps] == [0.01, 0.05, 0.25, 0.50]
    assert policy.stages == policy.steps
    assert policy.steps[-1].goes_on == "when_acceptable"


def test_a_shadow_is_the_first_stage() -> None:
    policy = Policy.model_validate({"shadow": {"share": 0.2}, "steps": [{"weight": 0.5}]})
    assert len(policy.stages) == 2
    assert policy.stages[0] == policy.shadow


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"guardrails": {"latency": {"margin": 0.1}}}, "latency"),
        ({"guardrails": {"citations": {"margin": 1.5}}}, "citations"),
        ({"guardrails": {"error": {"margin": 0}}}, "greater than 0"),
        ({"guardrails": dict.fromkeys(Policy().guardrails, SHOWN)}, "able to roll back"),
        ({"steps": []}, "at least 1"),
        ({"steps": [{"weight": 0.5}, {"weight": 0.1}]}, "must rise"),
        ({"steps": [{"weight": 0.5}, {"weight": 0.5}]}, "must rise"),
        ({"steps": [{"weight": 1.0}]}, "less than 1"),
        ({"objectives": [{"metric": "cost", "max_share": 0.1}]}, "cost"),
        ({"objectives": [{"metric": "total_ms", "max_share": 0.1}]}, "max_ms"),
        ({"objectives": [{"metric": "error", "max_share": 0.1, "max_ms": 5}]}, "max_ms"),
        ({"objectives": [{"metric": "total_ms", "max_share": 0.1, "max_ms": 1e6}]}, "max_ms"),
        ({"judge": {"generator": "judge"}}, "a judge needs a shadow"),
        ({"shadow": {}, "judge": {}}, "judge.generator"),
        ({"shadow": {}, "judge": {"generator": ""}}, "judge.generator"),
        ({"shadow": {}, "judge": {"generator": "j", "share": 0}}, "greater than 0"),
        ({"shadow": {}, "judge": {"generator": "j", "max_pairs": 0}}, "max_pairs"),
        ({"shadow": {}, "judge": {"generator": "j", "timeout_s": 0}}, "timeout_s"),
        ({"min_effective_requests": 10}, "30"),
        ({"alpha": 0.05}, "alpha"),
    ],
)
def test_mistakes_are_named(value: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Policy.model_validate(value)


def test_a_judge_compares_what_is_shadowed() -> None:
    policy = Policy.model_validate({"shadow": {}, "judge": {"generator": "judge"}})
    assert policy.judge is not None
    assert (policy.judge.share, policy.judge.max_pairs, policy.judge.timeout_s) == (1.0, 200, 30.0)
    assert Policy().judge is None


def test_agreement_is_shown_where_it_is_measured() -> None:
    agreement = Policy().guardrails["agreement"]
    assert (agreement.margin, agreement.rolls_back, agreement.needed) == (0.5, "never", False)


def test_a_guardrail_that_is_named_takes_the_place_of_its_default() -> None:
    named = {"error": {"margin": 0.002}, "judge": {"margin": 0.05}}
    policy = Policy.model_validate({"guardrails": named})
    assert policy.guardrails["error"].margin == 0.002
    assert policy.guardrails["judge"].rolls_back == "when_worse"
    assert policy.guardrails["total_ms"] == Policy().guardrails["total_ms"]


def test_a_policy_survives_its_own_json() -> None:
    policy = Policy.model_validate(
        {
            "shadow": {},
            "judge": {"generator": "judge"},
            "guardrails": {"refused": SHOWN},
            "mode": "observe_only",
        }
    )
    assert Policy.model_validate_json(policy.model_dump_json()) == policy
    assert Policy.model_validate(policy.model_dump(exclude_unset=True)) == policy


def test_every_measured_metric_is_recorded_once() -> None:
    measured = {name for name, one in METRICS.items() if not one.source and not one.is_rating}
    assert set(Policy().recorded) == measured
    assert len(set(Policy().recorded)) == len(Policy().recorded)


@given(st.integers(1, 6), st.booleans())
def test_false_alarms_of_all_stages_and_guardrails_add_up_to_what_is_allowed(
    steps: int, shadow: bool
) -> None:
    policy = Policy.model_validate(
        {
            "steps": [{"weight": (step + 1) / 10} for step in range(steps)],
            "shadow": {} if shadow else None,
        }
    )
    spent = sum(
        policy.false_alarms(stage, name)
        for stage in range(len(policy.stages))
        for name, guardrail in policy.guardrails.items()
        if guardrail.rolls_back != "never"
    )
    assert spent == pytest.approx(policy.max_false_alarms)


@given(st.floats(1e-3, 1e6))
def test_what_never_rolls_back_takes_nothing_and_gets_less_than_all(weight: float) -> None:
    """An error probability above one has no bound."""
    shown = Policy.model_validate({"guardrails": {"cost": {**SHOWN, "weight": weight}}})
    assert 0 < shown.false_alarms(0, "cost") < shown.max_false_alarms
    assert shown.false_alarms(0, "error") == Policy().false_alarms(0, "error")
