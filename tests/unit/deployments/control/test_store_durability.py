"""What a process reported as kept is there after it was killed."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from deployments.control.store import ControlStore
from deployments.rollouts import Rollout

MakeRollout = Callable[..., Rollout]
ROOT = Path(__file__).parents[4]
_WRITE_UNTIL_KILLED = """
import sys
from itertools import count
from deployments.canary.evidence import Evidence
from deployments.canary.rollout import Decision, apply_action
from deployments.control.store import ControlStore

store = ControlStore(sys.argv[1])
state = store.rollout("r1").state
decision = Decision("pause", "pause", "again and again", 0, 2.0)
for number in count(1):
    evidence = Evidence(0, 5.0, requests={"canary": number})
    store.keep_evidence("r1", evidence, {"replica": number})
    after, state = state, apply_action("pause", "x" * 5000, state, 2.0)
    assert store.change("r1", decision, state, after=after.sequence)
    print(number, flush=True)
"""


def test_nothing_committed_is_lost_by_a_kill(
    store: ControlStore,
    open_store: Callable[[], ControlStore],
    url: str,
    make_rollout: MakeRollout,
) -> None:
    store.create(make_rollout())
    with subprocess.Popen(
        [sys.executable, "-c", _WRITE_UNTIL_KILLED, url],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as writer:
        assert writer.stdout is not None
        for _ in range(40):
            assert writer.stdout.readline()
        writer.kill()
        reported = 40 + len(writer.stdout.readlines())
    assert writer.returncode == -9

    reader = open_store()
    state = reader.rollout("r1").state
    looks = reader.looks("r1", limit=1_000_000)
    evidence, sequences = reader.evidence("r1", 0)
    # Each may be one further than what was said: the kill came between the commit and the word.
    assert state.sequence in (reported, reported + 1)
    assert [look.state.sequence for look in looks] == list(range(1, state.sequence + 1))
    assert sequences["replica"] in (state.sequence, state.sequence + 1)
    assert evidence.requests["canary"] == sequences["replica"]
