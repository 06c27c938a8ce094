"""Fusing rankings: what the formulas say, and that the order of equal things is ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.fusion import (
    Normalize,
    Scores,
    fuse_ranks,
    fuse_scores,
    min_max,
    top_scaled,
)

NORMALIZATIONS = pytest.mark.parametrize("normalize", [min_max, top_scaled])
scores_of_some = st.dictionaries(
    st.sampled_from("abcdefgh"), st.floats(-1e3, 1e3, allow_nan=False), max_size=8
)


def test_ranks_are_summed_as_the_paper_says() -> None:
    fused = fuse_ranks([{"a": 9.0, "b": 8.0}, {"b": 0.3, "c": 0.2}], [1.0, 1.0])
    assert fused == [("b", 1 / 62 + 1 / 61), ("a", 1 / 61), ("c", 1 / 62)]


def test_equal_scores_share_a_rank() -> None:
    fused = dict(fuse_ranks([{"a": 1.0, "b": 1.0, "c": 0.5}], [1.0]))
    assert fused == {"a": 1 / 61, "b": 1 / 61, "c": 1 / 63}


def test_a_weighted_sum_takes_the_worst_score_for_what_was_not_found() -> None:
    dense, lexical = {"a": 0.9, "b": 0.5, "c": 0.1}, {"b": 20.0, "d": 10.0}
    fused = fuse_scores([dense, lexical], [0.6, 0.4], normalize=min_max)
    assert [one for one, _ in fused] == ["b", "a", "c", "d"]
    assert dict(fused) == pytest.approx({"a": 0.6, "b": 0.6 * 0.5 + 0.4, "c": 0.0, "d": 0.0})


def test_normalising() -> None:
    assert min_max({"a": 4.0, "b": 2.0, "c": 3.0}) == {"a": 1.0, "b": 0.0, "c": 0.5}


@pytest.mark.parametrize(("normalize", "equal"), [(min_max, 1.0), (top_scaled, 1.0)])
def test_equal_scores_stay_equal(normalize: Normalize, equal: float) -> None:
    assert normalize({"a": 0.1, "b": 0.1, "c": 0.1}) == {"a": equal, "b": equal, "c": equal}
    assert normalize({}) == {}


@NORMALIZATIONS
def test_nothing_found_is_nothing_fused(normalize: Normalize) -> None:
    assert fuse_scores([{}, {}], [0.5, 0.5], normalize=normalize) == []
    assert fuse_ranks([{}, {}], [0.5, 0.5]) == []


@NORMALIZATIONS
def test_one_empty_ranking_leaves_the_order_of_the_other(normalize: Normalize) -> None:
    dense = {"a": 0.3, "b": 0.9, "c": 0.6}
    fused = fuse_scores([dense, {}], [0.6, 0.4], normalize=normalize)
    assert [one for one, _ in fused] == ["b", "c", "a"]


@given(first=scores_of_some, second=scores_of_some)
def test_the_order_of_arrival_changes_nothing(first: Scores, second: Scores) -> None:
    turned = [dict(reversed(list(scores.items()))) for scores in (first, second)]
    found, weights = [first, second], [0.6, 0.4]
    assert fuse_ranks(found, weights) == fuse_ranks(turned, weights)
    for normalize in (min_max, top_scaled):
        fused = fuse_scores(found, weights, normalize=normalize)
        assert fused == fuse_scores(turned, weights, normalize=normalize)
        assert fused == sorted(fused, key=lambda pair: (-pair[1], pair[0]))
        assert {one for one, _ in fused} == first.keys() | second.keys()


@given(scores=scores_of_some)
def test_min_max_keeps_order_and_range(scores: Scores) -> None:
    scaled = min_max(scores)
    assert all(0.0 <= value <= 1.0 for value in scaled.values())
    for one in scores:
        for other in scores:
            assert scores[one] > scores[other] or scaled[one] <= scaled[other]


def test_shares_of_the_best_score() -> None:
    assert top_scaled({"a": 4.0, "b": 1.0, "c": -1.0}) == {"a": 1.0, "b": 0.25, "c": 0.0}
    assert top_scaled({"a": -1.0, "b": 0.0}) == {"a": 0.0, "b": 0.0}
    assert top_scaled({}) == {}
