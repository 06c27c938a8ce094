"""Whether two contenders give the same."""

import numpy as np
import pytest

from benchmarks.comparison.equality import compare_rankings, lowest_cosine, share_equal


def test_lowest_cosine_is_that_of_the_worst_row() -> None:
    reference = np.array([[1.0, 0.0], [0.0, 2.0]], np.float32)
    vectors = np.array([[3.0, 0.0], [3.0, 4.0]], np.float32)
    assert lowest_cosine(vectors, reference) == pytest.approx(0.8)
    assert lowest_cosine(-reference, reference) == pytest.approx(-1.0)


def test_other_shape_is_no_comparison() -> None:
    with pytest.raises(ValueError, match="shape"):
        lowest_cosine(np.ones((1, 2), np.float32), np.ones((2, 2), np.float32))


def test_rankings_are_compared_per_query() -> None:
    ours = [["a", "b"], ["a", "b"], ["a", "b"], [], ["a", "b"]]
    theirs = [["a", "b"], ["b", "a"], ["a", "c"], [], ["a"]]
    assert compare_rankings(ours, theirs) == {
        "queries": 5,
        "same_order": 0.4,
        "same_set": 0.6,
        "same_first": 0.8,
        "mean_overlap": pytest.approx((1 + 1 + 0.5 + 1 + 0.5) / 5),
    }


def test_share_of_equal_values() -> None:
    assert share_equal(["a", "b", "c", "d"], ["a", "b", "x", "d"]) == 0.75
    with pytest.raises(ValueError, match="shorter"):
        share_equal(["a", "b"], ["a"])
