"""Intervals: where they lie, that a seed decides them, and the AUROC against counting pairs."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from benchmarks.quality.bootstrap import auroc, mean

shares = some.lists(some.floats(0, 1), min_size=1, max_size=30)
levels = some.lists(some.integers(0, 5), min_size=1, max_size=12)


@given(values=shares, seed=some.integers(0, 2**31))
@settings(max_examples=50)
def test_interval_of_a_mean_contains_it(values: list[float], seed: int) -> None:
    found = mean(values, seed=seed, resamples=400)
    assert found.value == pytest.approx(sum(values) / len(values))
    assert found.low - 1e-9 <= found.value <= found.high + 1e-9


def test_seed_decides_the_interval() -> None:
    values = np.random.default_rng(1).random(40)
    assert mean(values, seed=3) == mean(values, seed=3)
    assert mean(values, seed=3) != mean(values, seed=4)


def test_interval_is_about_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(5).normal(size=1000)
    found = mean(values, seed=7)
    expected = 2 * 1.96 * values.std() / np.sqrt(values.size)
    assert found.high - found.low == pytest.approx(expected, rel=0.1)


def test_same_seed_draws_the_same_queries() -> None:
    values = np.random.default_rng(2).random(50)
    first, second = mean(values, seed=7), mean(values + 0.25, seed=7)
    assert second.low - first.low == pytest.approx(0.25)
    assert second.high - first.high == pytest.approx(0.25)


@given(positives=levels, negatives=levels)
@settings(max_examples=50)
def test_auroc_is_the_share_of_pairs_in_order(positives: list[int], negatives: list[int]) -> None:
    pairs = list(product(positives, negatives))
    expected = sum((high > low) + 0.5 * (high == low) for high, low in pairs) / len(pairs)
    found = auroc(positives, negatives, seed=1, resamples=50)
    assert found.value == pytest.approx(expected)
    assert 0.0 <= found.low <= found.high <= 1.0


def test_scores_that_are_all_equal_tell_nothing() -> None:
    found = auroc([0.5] * 4, [0.5] * 3, seed=1)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


def test_a_missing_score_is_below_all_others() -> None:
    assert auroc([0.1, 0.2], [-np.inf], seed=1).value == 1.0


@pytest.mark.parametrize(("positives", "negatives"), [([], [1.0]), ([1.0], [])])
def test_auroc_needs_both_kinds(positives: list[float], negatives: list[float]) -> None:
    with pytest.raises(ValueError, match="both kinds"):
        auroc(positives, negatives, seed=1)


def test_there_is_no_mean_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        mean([], seed=1)
