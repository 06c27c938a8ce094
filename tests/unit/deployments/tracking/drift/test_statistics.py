"""The statistics of drift against the libraries and the papers."""

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score

from deployments.tracking.drift.statistics import (
    KolmogorovSmirnov,
    area_under_curve,
    holm,
    p_value,
    share_difference,
    shuffled,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_holm_multiplies_and_keeps_the_order() -> None:
    assert holm([0.01, None, 0.04, 0.03]) == [0.03, None, 0.06, 0.06]
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([None]) == [None]


@pytest.mark.parametrize("digits", [1, 6], ids=["with ties", "without"])
def test_distance_is_that_of_scipy(rng: np.random.Generator, digits: int) -> None:
    values, current = rng.normal(size=200).round(digits), rng.random(200) < 0.3
    expected = ks_2samp(values[current], values[~current]).statistic
    assert KolmogorovSmirnov(values)(current) == pytest.approx(expected)


def test_area_is_that_of_scikit_learn(rng: np.random.Generator) -> None:
    scores, current = rng.normal(size=200).round(1), rng.random(200) < 0.3
    assert area_under_curve(scores, current) == pytest.approx(roc_auc_score(current, scores))


def test_difference_of_shares_is_that_of_the_paper() -> None:
    """Newcombe 1998, table II, example a: 56 of 70 and 48 of 80."""
    current = np.arange(150) < 70
    flags = np.concatenate([np.arange(70) < 56, np.arange(80) < 48])
    alone = np.arange(150)
    found = share_difference(flags, current, alone)
    assert [round(one, 4) for one in found] == [0.2, 0.0524, 0.3339]


def test_alike_queries_of_a_block_count_as_fewer(rng: np.random.Generator) -> None:
    block = np.repeat(np.arange(40), 10)
    flags = np.repeat(rng.random(40) < 0.4, 10)
    current = block < 20
    alone = share_difference(flags, current, np.arange(400))
    together = share_difference(flags, current, block)
    assert together[0] == alone[0]
    assert together[2] - together[1] > 2.5 * (alone[2] - alone[1])


def test_blocks_are_shuffled_whole(rng: np.random.Generator) -> None:
    block = np.repeat(np.arange(-6, 3), 4)
    draws = [next(shuffled(block, rng)) for _ in range(50)]
    for current in draws:
        sides = current.reshape(9, 4)
        assert (sides.all(1) | ~sides.any(1)).all()
        assert sides.all(1).sum() == 3
    assert len({tuple(current) for current in draws}) > 30


def test_chance_stops_early_where_it_is_large(rng: np.random.Generator) -> None:
    tried = 0

    def always(current: object) -> float:
        nonlocal tried
        tried += 1
        return 1.0

    block = np.arange(-50, 50)
    assert p_value(always, 0.5, block, rng, permutations=199) == 1.0
    assert tried == 10
    assert p_value(lambda current: 0.0, 0.5, block, rng, permutations=199) == 1 / 200
