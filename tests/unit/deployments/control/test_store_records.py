"""Everything goes to JSON and back without loss."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deployments.canary.guardrails import Guardrail
from deployments.canary.metrics import METRICS
from deployments.canary.policy import Policy, Step
from deployments.canary.rollout import Decision, State
from deployments.canary.verdict import Verdict
from deployments.control.records import (
    look_of,
    look_row,
    override_of,
    override_to_json,
    policy_of,
    rollout_of,
    rollout_row,
)
from deployments.control.tables import LookRow, RolloutRow
from deployments.rollouts import Rollout, TrafficOverride

NUMBERS = st.floats(allow_nan=False)
WORDS = st.text(st.characters(codec=None))
WEIGHTS = st.dictionaries(WORDS, NUMBERS, max_size=3)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
STATES = st.builds(State, entered_s=NUMBERS, deadline_from_s=NUMBERS, sequence=st.integers(0))
VERDICTS = st.from_type(Verdict)
DECISIONS = st.builds(Decision, verdicts=st.lists(VERDICTS, max_size=3).map(tuple))
GUARDRAILS = st.builds(
    Guardrail,
    margin=st.floats(0, 1, exclude_min=True, exclude_max=True),
    rolls_back=st.sampled_from(["when_worse", "beyond_margin"]),
    weight=st.floats(0, exclude_min=True, allow_infinity=False),
)
POLICIES = st.builds(
    Policy,
    steps=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5, unique=True).map(
        lambda weights: tuple(Step(weight=weight) for weight in sorted(weights))
    ),
    guardrails=st.dictionaries(st.sampled_from(sorted(METRICS)), GUARDRAILS, min_size=1),
    block_s=st.floats(0.1, 3600),
)
ROLLOUTS = st.builds(
    Rollout,
    policy=POLICIES,
    state=STATES,
    created_s=NUMBERS,
    vectors=st.dictionaries(WORDS, st.dictionaries(WORDS, JSON_VALUES), max_size=2),
    deployed=WEIGHTS,
)


def _stored(row: RolloutRow | LookRow) -> Any:
    """Returns a row as the database gives it back."""
    for name in ("policy", "state", "vectors", "deployed", "decision"):
        if hasattr(row, name):
            setattr(row, name, json.loads(json.dumps(getattr(row, name))))
    return row


@given(ROLLOUTS)
def test_a_rollout(rollout: Rollout) -> None:
    assert rollout_of(_stored(rollout_row(rollout))) == rollout


@given(DECISIONS, STATES)
def test_a_look(decision: Decision, state: State) -> None:
    look = look_of(_stored(look_row("r1", decision, state)))
    # As text, in which NaN equals NaN.
    assert repr((look.decision, look.state)) == repr((decision, state))


@given(POLICIES)
def test_a_policy(policy: Policy) -> None:
    assert policy_of(json.loads(json.dumps(policy.model_dump(mode="json")))) == policy


@given(WEIGHTS, WEIGHTS, WORDS, NUMBERS)
def test_an_override(
    weights: dict[str, float], deployed: dict[str, float], by: str, at_s: float
) -> None:
    override = TrafficOverride(weights, deployed, by, at_s)
    assert override_of(json.loads(json.dumps(override_to_json(override)))) == override
