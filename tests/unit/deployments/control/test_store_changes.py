"""Changes are made exactly once; looks are kept in order, and so is what MLflow lacks."""

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deployments.canary.rollout import Decision, State, apply_action
from deployments.control.store import ControlStore
from deployments.rollouts import Rollout, TrafficOverride

MakeRollout = Callable[..., Rollout]
OVERRIDE = TrafficOverride({"b": 1.0}, {"a": 1.0}, "policy", 5.0)
PAUSE = Decision("pause", "pause", "a test\0", 0, 2_000.0)
HOLD = Decision("hold", "pause", "waits", 0, 1_500.0)
ROOT = Path(__file__).parents[4]
_CHANGE_WHEN_TOLD = """
import sys
from deployments.canary.rollout import Decision, apply_action
from deployments.control.store import ControlStore

store = ControlStore(sys.argv[1])
state = store.rollout("r1").state
decision = Decision("pause", "pause", sys.argv[2], 0, 2.0)
print("ready", flush=True)
sys.stdin.readline()
print(store.change("r1", decision, apply_action("pause", "x", state, 2.0), after=state.sequence))
"""


def _paused(state: State, times: int = 1) -> State:
    for _ in range(times):
        state = apply_action("pause", PAUSE.reason, state, PAUSE.at_s)
    return state


@pytest.fixture
def rollout(store: ControlStore, make_rollout: MakeRollout) -> Rollout:
    rollout = make_rollout()
    store.create(rollout)
    return rollout


def test_a_change_sets_the_state_keeps_the_look_and_the_weights(
    store: ControlStore, open_store: Callable[[], ControlStore], rollout: Rollout
) -> None:
    changed = _paused(rollout.state)
    assert store.change("r1", PAUSE, changed, after=0, override=OVERRIDE)
    other = open_store()
    assert other.rollout("r1") == replace(rollout, state=changed)
    assert other.override() == OVERRIDE
    (look,) = other.looks("r1")
    assert (look.decision, look.state, look.rollout_id) == (PAUSE, changed, "r1")


def test_a_change_of_another_state_changes_nothing(store: ControlStore, rollout: Rollout) -> None:
    changed = _paused(rollout.state)
    assert store.change("r1", PAUSE, changed, after=0)
    again = replace(changed, phase="promoted", sequence=2)
    for after in (0, 2):
        assert not store.change("r1", PAUSE, again, after=after, override=OVERRIDE)
    assert store.rollout("r1").state == changed
    assert store.override() is None
    assert len(store.looks("r1", changes_only=False)) == 1


def test_of_many_threads_one_makes_the_change(store: ControlStore, rollout: Rollout) -> None:
    barrier = threading.Barrier(8)
    made: list[bool] = []

    def change() -> None:
        barrier.wait()
        made.append(store.change("r1", PAUSE, _paused(rollout.state), after=0))

    threads = [threading.Thread(target=change) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False] * 7 + [True]
    assert len(store.looks("r1")) == 1


def test_of_two_processes_one_makes_the_change(
    store: ControlStore, url: str, rollout: Rollout
) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _CHANGE_WHEN_TOLD, url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for name in ("first", "second")
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = sorted(process.communicate(timeout=60)[0] for process in processes)
    assert said == ["False\n", "True\n"]
    assert store.rollout("r1").state.sequence == 1
    assert len(store.looks("r1")) == 1


def test_looks_come_oldest_first_and_the_latest_ones(store: ControlStore, rollout: Rollout) -> None:
    state = rollout.state
    for number in range(3):
        store.note("r1", replace(HOLD, at_s=float(number)), state)
        assert store.change("r1", PAUSE, _paused(state), after=state.sequence)
        state = _paused(state)
    assert [look.state.sequence for look in store.looks("r1")] == [1, 2, 3]
    assert [look.state.sequence for look in store.looks("r1", limit=2)] == [2, 3]
    every = store.looks("r1", changes_only=False)
    assert [look.decision.action for look in every] == ["hold", "pause"] * 3
    assert [look.id for look in every] == sorted({look.id for look in every})


def test_the_outbox_gives_what_is_not_recorded_in_order(
    store: ControlStore, open_store: Callable[[], ControlStore], rollout: Rollout
) -> None:
    for number in range(5):
        store.note("r1", replace(HOLD, at_s=float(number)), rollout.state)
    first = store.unrecorded(3)
    assert [look.decision.at_s for look in first] == [0.0, 1.0, 2.0]
    store.mark_recorded([look.id for look in first[:2]])
    other = open_store()
    assert [look.decision.at_s for look in other.unrecorded(10)] == [2.0, 3.0, 4.0]
    other.mark_recorded([look.id for look in other.unrecorded(10)])
    other.mark_recorded([])
    assert store.unrecorded(10) == []
    assert len(store.looks("r1", changes_only=False)) == 5


def test_the_course_keeps_both_ends_and_every_change(store: ControlStore, rollout: Rollout) -> None:
    for number in range(100):
        if number == 41:
            assert store.change("r1", PAUSE, _paused(rollout.state), after=0)
        store.note("r1", replace(HOLD, at_s=float(number)), rollout.state)
    looks = store.looks("r1", changes_only=False)
    course = store.course("r1", until=looks[-2].id, points=10)
    assert course[0] == looks[0]
    assert course[-1] == looks[-2]
    assert [look.decision.action for look in course].count("pause") == 1
    assert 10 <= len(course) <= 14
    gaps = [after.id - before.id for before, after in zip(course, course[1:], strict=False)]
    assert max(gaps) <= 10
    assert store.course("r1", until=looks[-1].id, points=1000) == looks
