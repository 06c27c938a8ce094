"""Bounds hold at all looks together, and agree with published tables."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.canary.sequential import (
    is_more_frequent,
    mixture_radius,
    student_quantile,
    wilson_bounds,
)

COUNTS = st.integers(0, 200)


@pytest.mark.parametrize(("centre", "spread"), [(0.0, 0.2), (0.2, 0.1), (0.1, 0.05)])
def test_the_truth_is_below_the_bound_at_no_look_of_almost_any_run(
    centre: float, spread: float
) -> None:
    runs, looks, alpha = 2000, 300, 0.1
    noise = np.random.default_rng(1).normal(size=(runs, looks)).cumsum(axis=1)
    counts = np.arange(1, looks + 1)
    radii = [
        mixture_radius(1.0 / count, alpha=alpha, centre=centre, spread=spread) for count in counts
    ]
    wrong = (noise / counts > np.array(radii)).any(axis=1).mean()
    assert 0.02 < wrong <= alpha


@given(st.floats(1e-4, 1.0), st.floats(0.001, 0.2))
def test_more_data_and_more_risk_make_bounds_narrower(variance: float, alpha: float) -> None:
    def radius(variance: float, alpha: float) -> float:
        return mixture_radius(variance, alpha=alpha, centre=0.2, spread=0.1)

    assert radius(variance / 2, alpha) < radius(variance, alpha) < radius(variance, alpha / 2)


@pytest.mark.parametrize(
    ("z", "df", "t"),
    [
        (1.644854, 8, 1.860),
        (1.644854, 30, 1.697),
        (2.326348, 10, 2.764),
        (3.090232, 20, 3.552),
        (3.090232, 10_000, 3.091),
    ],
)
def test_quantiles_of_student_are_those_of_the_tables(z: float, df: float, t: float) -> None:
    assert student_quantile(z, df) == pytest.approx(t, rel=0.01)


def test_one_degree_of_freedom_proves_nothing_and_overflows_nothing() -> None:
    assert student_quantile(5.0, 1.0) > 1e3
    assert math.isfinite(student_quantile(1e6, 1.0))


@pytest.mark.parametrize(
    ("events", "requests", "low", "high"),
    [
        (0, 0, 0.0, 1.0),
        (0, 10, 0.0, 0.278),
        (1, 10, 0.018, 0.404),
        (5, 10, 0.237, 0.763),
        (10, 10, 0.722, 1.0),
        (15, 148, 0.062, 0.160),
    ],
)
def test_bounds_of_shares_are_wilsons(events: int, requests: int, low: float, high: float) -> None:
    assert wilson_bounds(events, requests, z=1.96) == pytest.approx((low, high), abs=0.001)


@pytest.mark.parametrize(
    ("events", "other", "ratio", "proven"),
    [
        (0, 0, 1, False),
        (3, 0, 1, False),
        (10, 0, 1, True),
        (3, 0, 4, False),
        (6, 0, 4, True),
        (20, 20, 1, False),
        (20, 4, 1, True),
        (30, 40, 4, True),
        (4, 20, 1, False),
    ],
)
def test_some_errors_against_none_are_proof(
    events: int, other: int, ratio: int, proven: bool
) -> None:
    """`ratio` is the size of the other arm."""
    assert is_more_frequent(events, 1000, other, 1000 * ratio, alpha=0.01) is proven


@given(COUNTS, COUNTS, st.floats(0.001, 0.2))
def test_never_are_both_arms_worse(events: int, other: int, alpha: float) -> None:
    one = is_more_frequent(events, 1000, other, 1000, alpha=alpha)
    two = is_more_frequent(other, 1000, events, 1000, alpha=alpha)
    assert not (one and two)


@given(COUNTS, COUNTS)
def test_another_event_never_takes_a_proof_away(events: int, other: int) -> None:
    if is_more_frequent(events, 1000, other, 1000, alpha=0.05):
        assert is_more_frequent(events + 1, 1000, other, 1000, alpha=0.05)


@pytest.mark.parametrize("ratio", [1, 4])
def test_equal_arms_seldom_differ_at_any_of_many_events(ratio: int) -> None:
    """Every event falls on the first arm by chance, as often as its size says."""
    runs, events, alpha = 1000, 150, 0.1
    mine = np.random.default_rng(2).random((runs, events)) < 1.0 / (1.0 + ratio)
    counts = mine.cumsum(axis=1)
    alarms = sum(
        any(
            is_more_frequent(int(row[at]), 1e6, at + 1 - int(row[at]), ratio * 1e6, alpha=alpha)
            for at in range(0, events, 3)
        )
        for row in counts
    )
    assert 0.01 < alarms / runs <= alpha
