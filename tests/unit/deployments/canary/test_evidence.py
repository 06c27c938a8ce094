"""Sums add up: who gathered them, in which parts and order, makes no difference."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.canary.codec import from_json, to_json
from deployments.canary.evidence import MAX_BLOCKS, Evidence, Frame, merge
from deployments.canary.recording import Outcomes, gather

SETTINGS = settings(max_examples=60)
REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(["canary", "baseline"]),
        st.floats(0, 50_000),
        st.integers(0, 127),
        st.one_of(st.floats(0.0, 1e6), st.just(float("nan"))),
        st.booleans(),
        st.integers(0, 3),
    ),
    max_size=60,
)
Request = tuple[str, float, int, float, bool, int]


def gathered(requests: list[Request]) -> Evidence:
    def outcomes(arm: str) -> Outcomes:
        mine = [each for each in requests if each[0] == arm]
        return Outcomes(
            np.array([each[1] for each in mine]),
            np.array([each[2] for each in mine], dtype=int),
            {
                "total_ms": np.array([each[3] for each in mine]),
                "error": np.array([each[4] for each in mine], dtype=float),
            },
        )

    arms = {arm: outcomes(arm) for arm in ("canary", "baseline")}
    return gather(arms, stage=0, block_s=10.0)  # type: ignore[arg-type]


def figures(evidence: Evidence) -> list[tuple[str, object]]:
    """Every number of the evidence by its place."""
    found: list[tuple[str, object]] = []

    def walk(place: str, value: object) -> None:
        if isinstance(value, dict):
            for name in sorted(value):
                walk(f"{place}.{name}", value[name])
        elif isinstance(value, list):
            for index, each in enumerate(value):
                walk(f"{place}[{index}]", each)
        else:
            found.append((place, value))

    walk("", to_json(evidence))
    return found


def assert_same(first: Evidence, second: Evidence) -> None:
    close = [
        (place, pytest.approx(value, rel=1e-9, abs=1e-6) if isinstance(value, float) else value)
        for place, value in figures(second)
    ]
    assert figures(first) == close


@SETTINGS
@given(REQUESTS, st.permutations(range(4)), st.booleans())
def test_any_parts_in_any_order_are_the_whole(
    requests: list[Request], order: list[int], in_pairs: bool
) -> None:
    parts = [gathered([each for each in requests if each[5] == part]) for part in order]
    if in_pairs:
        merged = merge(merge(parts[0], parts[1]), merge(parts[2], parts[3]))
    else:
        merged = merge(merge(merge(parts[0], parts[1]), parts[2]), parts[3])
    assert_same(merged, gathered(requests))


@SETTINGS
@given(REQUESTS)
def test_json_keeps_everything(requests: list[Request]) -> None:
    evidence = gathered(requests).with_alarms("not running")
    stored = json.dumps(to_json(evidence), allow_nan=False)
    back = from_json(json.loads(stored))
    assert json.dumps(to_json(back)) == stored
    assert_same(merge(back, back), merge(evidence, evidence))


def test_nothing_changes_nothing() -> None:
    some = gathered([("canary", 5.0, 1, 100.0, False, 0)])
    assert_same(merge(Evidence(0, 10.0), some), some)
    assert_same(merge(some, Evidence(0, 10.0)), some)
    assert to_json(merge(Evidence(0, 10.0), Evidence(0, 10.0))) == to_json(Evidence(0, 10.0))


@pytest.mark.parametrize("other", [Evidence(1, 10.0), Evidence(0, 5.0)])
def test_evidence_of_another_stage_or_of_other_blocks_does_not_add_up(other: Evidence) -> None:
    with pytest.raises(ValueError, match="does not add up"):
        merge(Evidence(0, 10.0), other)


def test_alarms_of_all_are_kept() -> None:
    both = merge(Evidence(0, 10.0).with_alarms("a"), Evidence(0, 10.0).with_alarms("b", "a"))
    assert both.alarms == {"a", "b"}


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        (Frame(0, 5, 9), Frame(0, 7, 30), Frame(0, 5, 30)),
        (Frame(0, 0, 0), Frame(0, 63, 63), Frame(0, 0, 63)),
        (Frame(0, 0, 0), Frame(0, 64, 64), Frame(1, 0, 32)),
        (Frame(0, 3, 3), Frame(2, 2, 20), Frame(2, 0, 20)),
        (Frame(0, 1, 1), Frame(0, 1000, 1000), Frame(4, 0, 62)),
    ],
)
def test_blocks_double_when_there_is_no_room_for_more(
    first: Frame, second: Frame, both: Frame
) -> None:
    assert first.widened(second) == both == second.widened(first)
    assert both.last - both.first < MAX_BLOCKS


def test_requests_stay_in_their_time_when_blocks_double() -> None:
    seconds = [0.0, 15.0, 705.0, 719.0, 1279.0]
    evidence = gathered([("canary", at_s, 0, 100.0, False, 0) for at_s in seconds])
    assert evidence.frame == Frame(1, 0, 63)
    tally = evidence.tally("canary", "error")
    assert tally is not None
    assert np.flatnonzero(tally.blocks[:, 0]).tolist() == [0, 35, 63]
    assert tally.blocks[[0, 35, 63], 0].tolist() == [2, 2, 1]
