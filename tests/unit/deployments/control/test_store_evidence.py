"""Evidence is kept whole, with the number of each replica's last report."""

from collections.abc import Callable

import numpy as np
import pytest

from deployments.canary.codec import to_json
from deployments.canary.evidence import Evidence, merge
from deployments.canary.recording import Outcomes, gather
from deployments.contracts.errors import NotFound
from deployments.control.store import ControlStore
from deployments.rollouts import Rollout

MakeRollout = Callable[..., Rollout]


def _evidence(seed: int, *, stage: int = 0) -> Evidence:
    random = np.random.default_rng(seed)

    def outcomes() -> Outcomes:
        values = {"total_ms": random.lognormal(6, 1, 200), "error": random.integers(0, 2, 200)}
        return Outcomes(random.uniform(0, 900, 200), random.integers(0, 128, 200), values)

    evidence = gather({"canary": outcomes(), "baseline": outcomes()}, stage=stage, block_s=5.0)
    return evidence.with_alarms("an alarm")


@pytest.fixture(autouse=True)
def _rollout(store: ControlStore, make_rollout: MakeRollout) -> None:
    store.create(make_rollout())


def test_nothing_is_known_at_first(store: ControlStore) -> None:
    evidence, sequences = store.evidence("r1", 2)
    assert to_json(evidence) == to_json(Evidence(2, 5.0))
    assert sequences == {}


def test_evidence_comes_back_as_it_was(
    store: ControlStore, open_store: Callable[[], ControlStore]
) -> None:
    first, second = _evidence(1), _evidence(2)
    store.keep_evidence("r1", first, {"one": 7})
    store.keep_evidence("r1", merge(first, second), {"two": 3})
    store.keep_evidence("r1", merge(first, second), {"one": 8})
    evidence, sequences = open_store().evidence("r1", 0)
    assert to_json(evidence) == to_json(merge(first, second))
    assert sequences == {"one": 8, "two": 3}


def test_stages_are_kept_apart_and_reports_are_not(store: ControlStore) -> None:
    """A report that is sent again after a stage has ended must not count in the next one."""
    store.keep_evidence("r1", _evidence(1), {"one": 7})
    store.keep_evidence("r1", _evidence(2, stage=1), {"one": 8})
    assert to_json(store.evidence("r1", 0)[0]) == to_json(_evidence(1))
    assert to_json(store.evidence("r1", 1)[0]) == to_json(_evidence(2, stage=1))
    assert store.evidence("r1", 2)[1] == {"one": 8}


def test_evidence_needs_a_rollout(store: ControlStore) -> None:
    with pytest.raises(NotFound):
        store.keep_evidence("r9", _evidence(1), {"one": 1})
    with pytest.raises(NotFound):
        store.evidence("r9", 0)
    assert store.evidence("r1", 0)[1] == {}
