"""The course of a rollout: in order, for a reason, and never back from its end."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from deployments.canary.commands import command
from deployments.canary.evidence import Evidence
from deployments.canary.policy import Policy
from deployments.canary.rollout import (
    Decision,
    Shares,
    State,
    counted_from_s,
    decide,
    shares,
    start,
)
from deployments.contracts.errors import InvalidRequest


def policy(**changes: Any) -> Policy:
    """Two steps that errors alone decide."""
    others = dict.fromkeys(Policy().guardrails, {"margin": 0.1, "rolls_back": "never"})
    return Policy.model_validate(
        {
            "steps": [{"weight": 0.1, **STEP}, {"weight": 0.5, **STEP}],
            "guardrails": {**others, "error": {"margin": 0.02}},
            "warm_up_s": 30.0,
            **changes,
        }
    )


STEP = {"min_requests": 100, "min_duration_s": 60.0, "deadline_s": 600.0}


@pytest.fixture(scope="session")
def known(evidence_of: Any) -> dict[str, Any]:
    """What evidence can say, as functions of the stage."""

    def errors(share: float, count: int) -> np.ndarray:
        return np.random.default_rng(count).permutation(np.arange(count) < share * count) * 1.0

    def made(canary: float, count: int, baseline: float = 0.01) -> Any:
        return lambda stage: evidence_of(
            {"error": errors(canary, count)}, {"error": errors(baseline, 4 * count)}, stage=stage
        )

    return {
        "good": made(0.01, 1000),
        "bad": made(0.10, 1000),
        "open": made(0.024, 500),
        "doubtful": made(0.035, 200),
        "few": made(0.0, 20),
        "none": lambda stage: Evidence(stage, 10.0),
        "alarm": lambda stage: Evidence(stage, 10.0).with_alarms("not running"),
    }


LATE_S = 200.0


@pytest.mark.parametrize(
    ("evidence", "now_s", "changes", "action", "says"),
    [
        ("good", LATE_S, {}, "advance", "every guardrail"),
        ("good", 80.0, {}, "hold", "50 of 60 s"),
        ("good", 10.0, {}, "hold", "0 of 60 s"),
        ("bad", LATE_S, {}, "roll_back", "requests that failed: 0.1 against 0.01"),
        ("bad", 31.0, {}, "roll_back", "requests that failed"),
        ("alarm", 0.0, {}, "roll_back", "not running"),
        ("open", LATE_S, {}, "hold", "requests that failed"),
        ("few", LATE_S, {}, "hold", "20 of 100 requests"),
        ("few", LATE_S, {}, "hold", "70 are needed"),
        ("none", LATE_S, {}, "hold", "the canary has no value"),
        ("none", 600.0, {}, "pause", "undecided after 600 s"),
        ("open", 600.0, {}, "pause", "undecided after 600 s"),
        ("open", 599.0, {}, "hold", "requests that failed"),
        ("good", 6000.0, {}, "advance", "every guardrail"),
        ("none", 600.0, {"on_deadline": "roll_back"}, "roll_back", "undecided"),
        ("none", 600.0, {"on_deadline": "wait"}, "hold", "no value"),
        ("good", LATE_S, {"mode": "abort_only"}, "hold", "every guardrail"),
        ("bad", LATE_S, {"mode": "abort_only"}, "roll_back", "requests that failed"),
        ("none", 600.0, {"mode": "abort_only"}, "pause", "undecided"),
        ("bad", LATE_S, {"mode": "observe_only"}, "hold", "requests that failed"),
        ("good", LATE_S, {"mode": "observe_only"}, "hold", "every guardrail"),
        ("none", 600.0, {"mode": "observe_only"}, "hold", "undecided"),
    ],
)
def test_what_happens_next(
    known: dict[str, Any],
    evidence: str,
    now_s: float,
    changes: dict[str, Any],
    action: str,
    says: str,
) -> None:
    before = start(0.0)
    decision, after = decide(policy(**changes), known[evidence](0), before, now_s)
    assert decision.action == action
    assert says in decision.reason
    if action == "hold":
        assert after == before
    else:
        assert (after.sequence, after.reason) == (1, decision.reason)


@pytest.mark.parametrize(
    ("evidence", "wanted"), [("good", "advance"), ("bad", "roll_back"), ("open", "hold")]
)
def test_who_only_observes_still_hears_what_should_be_done(
    known: dict[str, Any], evidence: str, wanted: str
) -> None:
    decision, _ = decide(policy(mode="observe_only"), known[evidence](0), start(0.0), LATE_S)
    assert (decision.action, decision.wanted) == ("hold", wanted)


@pytest.mark.parametrize(
    ("evidence", "action"),
    [("open", "advance"), ("doubtful", "hold"), ("few", "hold"), ("none", "hold")],
)
def test_a_lenient_step_ends_unless_the_canary_seems_worse(
    known: dict[str, Any], evidence: str, action: str
) -> None:
    """Too little data is never enough."""
    lenient = {**STEP, "goes_on": "unless_worse"}
    steps = [{"weight": 0.1, **lenient}, {"weight": 0.5, **STEP}]
    decision, _ = decide(policy(steps=steps), known[evidence](0), start(0.0), LATE_S)
    assert decision.action == action


def test_a_whole_rollout(known: dict[str, Any]) -> None:
    state = start(1000.0)
    assert shares(policy(), state) == Shares(canary=0.1, baseline=0.4)
    assert counted_from_s(policy(), state) == 1030.0
    decision, state = decide(policy(), known["good"](0), state, 1200.0)
    assert (decision.action, state.stage, state.entered_s) == ("advance", 1, 1200.0)
    assert shares(policy(), state) == Shares(canary=0.5, baseline=0.5)
    decision, state = decide(policy(), known["good"](1), state, 1250.0)
    assert decision.action == "hold"
    decision, state = decide(policy(), known["good"](1), state, 1290.0)
    assert (decision.action, state.phase, state.sequence) == ("promote", "promoted", 2)
    assert shares(policy(), state) == Shares(canary=1.0)


def test_evidence_of_the_stage_before_counts_for_nothing(known: dict[str, Any]) -> None:
    second = replace(start(0.0), stage=1)
    for evidence in ("good", "bad", "alarm"):
        decision, state = decide(policy(), known[evidence](0), second, LATE_S)
        assert (decision.action, state) == ("hold", second)


def test_shadow_comes_first_and_takes_no_traffic(known: dict[str, Any]) -> None:
    shadowed = policy(shadow={"share": 0.2, **STEP})
    state = start(0.0)
    assert shares(shadowed, state) == Shares(canary=0.0, baseline=0.0, shadow=0.2)
    _, state = decide(shadowed, known["good"](0), state, LATE_S)
    assert shares(shadowed, state) == Shares(canary=0.1, baseline=0.4)


def test_a_guarded_step_waits_for_a_person_without_end(known: dict[str, Any]) -> None:
    gated = policy(steps=[{"weight": 0.1, "approval": True, **STEP}])
    decision, state = decide(gated, known["good"](0), start(0.0), 9999.0)
    assert (decision.action, decision.reason) == ("hold", "waits for approval")
    decision, state = command(gated, state, "approve", now_s=9999.0, by="kim")
    assert (decision.action, decision.by, state.approved) == ("approve", "kim", True)
    assert decide(gated, known["open"](0), state, 300.0)[0].action == "hold"
    assert decide(gated, known["good"](0), state, 10_000.0)[1].phase == "promoted"


def test_an_approval_is_for_one_step(known: dict[str, Any]) -> None:
    gate = {"approval": True, **STEP}
    gated = policy(steps=[{"weight": 0.1, **gate}, {"weight": 0.5, **gate}])
    _, state = command(gated, start(0.0), "approve", now_s=1.0, by="kim")
    _, state = decide(gated, known["good"](0), state, LATE_S)
    assert (state.stage, state.approved) == (1, False)


def test_a_paused_rollout_only_rolls_back(known: dict[str, Any]) -> None:
    _, paused = command(policy(), start(0.0), "pause", now_s=5.0, by="kim", why="lunch")
    assert paused.reason == "pause by kim: lunch"
    assert shares(policy(), paused) == Shares(canary=0.1, baseline=0.4)
    for evidence in ("good", "open", "none"):
        decision, state = decide(policy(), known[evidence](0), paused, 9999.0)
        assert (decision.action, state) == ("hold", paused)
    assert decide(policy(), known["bad"](0), paused, 9999.0)[1].phase == "rolled_back"


def test_a_deadline_begins_anew_after_a_pause(known: dict[str, Any]) -> None:
    _, state = decide(policy(), known["none"](0), start(0.0), 600.0)
    assert state.phase == "paused"
    _, state = command(policy(), state, "resume", now_s=5000.0, by="kim")
    assert (state.phase, state.stage, state.entered_s) == ("running", 0, 0.0)
    assert decide(policy(), known["none"](0), state, 5599.0)[0].action == "hold"
    assert decide(policy(), known["none"](0), state, 5600.0)[0].action == "pause"


@pytest.mark.parametrize(
    ("commands", "phase", "stage"),
    [
        (["advance"], "running", 1),
        (["advance", "advance"], "promoted", 1),
        (["pause", "advance"], "running", 1),
        (["promote"], "promoted", 0),
        (["pause", "promote"], "promoted", 0),
        (["roll_back"], "rolled_back", 0),
        (["pause", "roll_back"], "rolled_back", 0),
    ],
)
def test_people_may_decide_whatever_the_mode(commands: list[Any], phase: str, stage: int) -> None:
    state = start(0.0)
    for what in commands:
        _, state = command(policy(mode="observe_only"), state, what, now_s=1.0, by="kim")
    assert (state.phase, state.stage) == (phase, stage)
    assert state.sequence == len(commands)


@pytest.mark.parametrize(
    ("before", "what"),
    [
        ([], "resume"),
        (["pause"], "pause"),
        ([], "approve"),
        (["promote"], "roll_back"),
        (["promote"], "promote"),
        (["roll_back"], "promote"),
        (["roll_back"], "resume"),
        (["roll_back"], "pause"),
    ],
)
def test_commands_that_make_no_sense_are_refused(before: list[Any], what: Any) -> None:
    state = start(0.0)
    for each in before:
        _, state = command(policy(), state, each, now_s=1.0, by="kim")
    with pytest.raises(InvalidRequest):
        command(policy(), state, what, now_s=2.0, by="kim")


MOVES = st.lists(
    st.tuples(
        st.sampled_from(
            ["good", "bad", "open", "doubtful", "few", "none", "alarm"]
            + ["approve", "advance", "promote", "pause", "resume", "roll_back"]
        ),
        st.floats(0.0, 700.0),
    ),
    max_size=12,
)


@settings(max_examples=100)
@given(
    MOVES,
    st.sampled_from(["observe_only", "abort_only", "auto"]),
    st.sampled_from(["pause", "roll_back", "wait"]),
    st.booleans(),
)
def test_laws(
    known: dict[str, Any],
    moves: list[tuple[Any, float]],
    mode: str,
    on_deadline: str,
    approval: bool,
) -> None:
    """The same arguments give the same decision; no step is skipped; an end is an end; nothing
    happens without a reason; too little data moves nothing forward."""
    steps = [{"weight": weight, **STEP, "approval": approval} for weight in (0.1, 0.2, 0.5)]
    rules = policy(mode=mode, on_deadline=on_deadline, steps=steps)
    state, now_s = start(0.0), 0.0
    for move, wait_s in moves:
        now_s += wait_s
        if move in known:
            evidence = known[move](state.stage)
            decision, after = decide(rules, evidence, state, now_s)
            assert decide(rules, evidence, state, now_s) == (decision, after)
            assert after.stage - state.stage == (decision.action == "advance")
            if after.phase == "promoted" != state.phase:
                assert state.stage == 2
            if move in ("open", "doubtful", "few", "none"):
                assert decision.action not in ("advance", "promote")
                assert decision.action != "roll_back" or on_deadline == "roll_back"
            if mode == "observe_only":
                assert after == state
        else:
            try:
                decision, after = command(rules, state, move, now_s=now_s, by="kim")
            except InvalidRequest:
                continue
            assert not state.ended
        assert decision.reason
        assert after.sequence - state.sequence == (after != state)
        if state.ended:
            assert after == state
        state = after


def test_states_and_decisions_are_stored_as_json(known: dict[str, Any]) -> None:
    decision, state = decide(policy(), known["bad"](0), start(0.0), LATE_S)
    for value, kind in ((decision, Decision), (state, State)):
        adapter = TypeAdapter(kind)
        stored = adapter.dump_json(value)
        assert adapter.validate_json(stored) == value
    told = json.loads(TypeAdapter(Decision).dump_json(decision))
    error = next(one for one in told["verdicts"] if one["metric"] == "error")
    assert (error["outcome"], error["change"]) == ("fail", pytest.approx(0.09, abs=0.01))
