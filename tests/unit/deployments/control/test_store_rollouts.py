"""Rollouts and traffic overrides, kept and found again."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from deployments.canary.policy import Policy
from deployments.canary.rollout import Decision, Phase, State
from deployments.contracts.errors import Conflict, NotFound, StageFailed
from deployments.control.store import ControlStore
from deployments.control.tables import LookRow
from deployments.rollouts import Rollout, TrafficOverride

MakeRollout = Callable[..., Rollout]
OVERRIDE = TrafficOverride({"b": 0.25, "a": 0.75}, {"a": 1.0}, "me\0", 12.5)


def _move(store: ControlStore, rollout_id: str, phase: Phase) -> None:
    state = store.rollout(rollout_id).state
    moved = replace(state, phase=phase, sequence=state.sequence + 1)
    decision = Decision("pause", "pause", "a test", state.stage, 1.0)
    assert store.change(rollout_id, decision, moved, after=state.sequence)


def test_a_rollout_comes_back_as_it_was(
    store: ControlStore, open_store: Callable[[], ControlStore], make_rollout: MakeRollout
) -> None:
    rollout = make_rollout()
    store.create(rollout)
    for reader in (store, open_store()):
        assert reader.active() == rollout
        assert reader.rollout("r1") == rollout
        assert reader.rollouts(10) == [rollout]


def test_without_a_rollout_there_is_none(store: ControlStore) -> None:
    assert store.active() is None
    assert store.rollouts(10) == []
    with pytest.raises(NotFound, match="r1"):
        store.rollout("r1")


@pytest.mark.parametrize("phase", ["running", "paused"])
def test_a_second_rollout_is_refused_while_one_is_under_way(
    store: ControlStore, make_rollout: MakeRollout, phase: Phase
) -> None:
    store.create(make_rollout())
    _move(store, "r1", phase)
    with pytest.raises(Conflict, match="under way"):
        store.create(make_rollout(id="r2"))
    assert [one.id for one in store.rollouts(10)] == ["r1"]


@pytest.mark.parametrize("phase", ["promoted", "rolled_back"])
def test_after_the_end_another_rollout_may_begin(
    store: ControlStore, make_rollout: MakeRollout, phase: Phase
) -> None:
    store.create(make_rollout())
    _move(store, "r1", phase)
    assert store.active() is None
    store.create(make_rollout(id="r2"))
    assert [one.id for one in store.rollouts(10)] == ["r2", "r1"]
    assert [one.id for one in store.rollouts(1)] == ["r2"]
    active = store.active()
    assert active is not None
    assert active.id == "r2"


def test_an_id_is_used_once(store: ControlStore, make_rollout: MakeRollout) -> None:
    store.create(make_rollout())
    _move(store, "r1", "promoted")
    with pytest.raises(Conflict, match="this id"):
        store.create(make_rollout())


def test_another_constraint_is_not_told_as_a_rollout(
    store: ControlStore, make_rollout: MakeRollout
) -> None:
    """A row that lacks what it must have, or belongs to nothing: a mistake of ours, no conflict."""
    with pytest.raises(StageFailed, match="breaks its rules"):
        store.create(make_rollout(created_by=None))
    with pytest.raises(StageFailed, match="breaks its rules"), store._writing() as session:
        session.add(LookRow(rollout_id="nobody", action="hold", decision={}, state={}))
    assert store.rollouts(10) == []


def test_an_ended_rollout_cannot_run_again_beside_another(
    store: ControlStore, make_rollout: MakeRollout
) -> None:
    """The database refuses it, whoever asks."""
    store.create(make_rollout())
    _move(store, "r1", "promoted")
    store.create(make_rollout(id="r2"))
    with pytest.raises(Conflict):
        _move(store, "r1", "running")
    assert store.rollout("r1").state.phase == "promoted"
    assert len(store.looks("r1")) == 1


def test_a_policy_stays_as_it_was_when_defaults_change(
    store: ControlStore, make_rollout: MakeRollout
) -> None:
    """A guardrail that a later version adds to the defaults is none of an older rollout's."""
    policy = Policy()
    fewer = {name: one for name, one in policy.guardrails.items() if name != "judge"}
    stored = policy.model_copy(update={"guardrails": fewer})
    store.create(make_rollout(policy=stored))
    assert store.rollout("r1").policy == stored


def test_an_override_holds_until_it_is_taken_back(
    store: ControlStore, open_store: Callable[[], ControlStore]
) -> None:
    assert store.override() is None
    store.set_override(replace(OVERRIDE, by="another"))
    store.set_override(OVERRIDE)
    assert open_store().override() == OVERRIDE
    store.set_override(None)
    store.set_override(None)
    assert open_store().override() is None


def test_a_change_needs_a_rollout(store: ControlStore) -> None:
    decision = Decision("pause", "pause", "a test", 0, 1.0)
    with pytest.raises(NotFound):
        store.change("r9", decision, State("paused", 0, 1.0, 1.0), after=0)
    with pytest.raises(NotFound):
        store.note("r9", decision, State("paused", 0, 1.0, 1.0))
