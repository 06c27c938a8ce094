"""When windows count as different."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from deployments.drift import DAY_S, CheckName, DriftCheck
from deployments.tracking.drift.comparison import DriftPolicy, find_drift, overall
from deployments.tracking.drift.samples import Samples, read_windows
from tests.drift_samples import UNTIL_S, MemorySource, query_samples

POLICY = DriftPolicy(permutations=99)


def windows(source: MemorySource) -> Samples:
    return read_windows(
        lambda since_s, until_s, limit: source.samples(
            "one", since_s=since_s, until_s=until_s, limit=limit
        ),
        until_s=UNTIL_S,
        reference_s=3 * DAY_S,
        current_s=DAY_S,
    )


def samples(reference: int = 900, current: int = 300, **changed: Any) -> Samples:
    begins_s = UNTIL_S - DAY_S
    before = query_samples(reference, from_s=begins_s - 3 * DAY_S, to_s=begins_s, seed=1)
    now = query_samples(current, from_s=begins_s, to_s=UNTIL_S, seed=2, **changed)
    return windows(MemorySource([*before, *now]))


def by_name(checks: tuple[DriftCheck, ...]) -> dict[CheckName, DriftCheck]:
    return {check.name: check for check in checks}


def test_windows_that_are_alike_are_no_drift() -> None:
    checks = find_drift(samples(), POLICY)
    assert {check.verdict for check in checks} == {"none"}
    assert overall(checks) == "none"
    assert all(check.reason and check.p_adjusted is not None for check in checks)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("queries", {"topic": 2.0}),
        ("top_score", {"score": 0.5}),
        ("answer_words", {"words": 25.0}),
        ("ungrounded", {"ungrounded": 0.35}),
    ],
)
def test_each_change_is_found_where_it_is(name: CheckName, changed: dict[str, Any]) -> None:
    checks = find_drift(samples(**changed), POLICY)
    assert overall(checks) == "drift"
    assert [check.name for check in checks if check.verdict == "drift"] == [name]
    found = by_name(checks)[name]
    assert found.effect is not None
    assert abs(found.effect) > found.least_effect


def test_a_difference_that_is_certain_but_small_does_not_matter() -> None:
    strict = replace(POLICY, least_distance=0.9)
    check = by_name(find_drift(samples(score=0.5), strict))["top_score"]
    assert check.p_adjusted is not None
    assert check.p_adjusted < 0.05
    assert check.verdict == "none"
    assert "too little to matter" in check.reason


def test_topics_of_an_hour_are_no_drift() -> None:
    """Everybody asks about one thing for half an hour: queries shuffled one by one would find a
    change in every window."""
    begins_s = UNTIL_S - DAY_S
    kept = query_samples(
        1200, from_s=begins_s - 3 * DAY_S, to_s=UNTIL_S, seed=3, topics_by_s=DAY_S / 48
    )
    bursts = windows(MemorySource(kept))
    assert by_name(find_drift(bursts, POLICY))["queries"].verdict == "none"
    loose = replace(bursts, block=np.where(bursts.is_current, 1, -1) * (1 + np.arange(len(bursts))))
    assert by_name(find_drift(loose, POLICY))["queries"].verdict == "drift"


def test_the_same_samples_give_the_same_result() -> None:
    few = replace(POLICY, permutations=19)
    assert find_drift(samples(topic=0.5), few) == find_drift(samples(topic=0.5), few)


@pytest.mark.parametrize(
    ("reference", "current", "says"),
    [(900, 40, "current window; it takes 100"), (40, 300, "reference window; it takes 100")],
)
def test_too_few_samples_are_not_enough(reference: int, current: int, says: str) -> None:
    checks = find_drift(samples(reference, current, topic=3.0), POLICY)
    assert overall(checks) == "not_enough"
    for check in checks:
        assert check.verdict == "not_enough"
        assert says in check.reason
        assert check.effect is check.p_value is check.p_adjusted is None


def test_one_busy_hour_is_not_enough() -> None:
    begins_s = UNTIL_S - DAY_S
    before = query_samples(900, from_s=begins_s - 3 * DAY_S, to_s=begins_s)
    now = query_samples(400, from_s=UNTIL_S - 7200, to_s=UNTIL_S, topic=3.0)
    # Of a single hour, no more are read than of the others.
    kept = windows(MemorySource([*before, *now]))
    checks = find_drift(kept, replace(POLICY, min_samples=20))
    assert overall(checks) == "not_enough"
    assert "stretches of time" in checks[0].reason


def test_scores_that_are_missing_leave_the_rest_standing() -> None:
    whole = samples(topic=2.0)
    without = replace(whole, top_score=np.full(len(whole), np.nan))
    checks = by_name(find_drift(without, POLICY))
    assert checks["top_score"].verdict == "not_enough"
    assert checks["queries"].verdict == "drift"


def test_nothing_at_all_is_not_enough() -> None:
    checks = find_drift(windows(MemorySource()), POLICY)
    assert overall(checks) == "not_enough"
