"""The line between two kinds of scores: where it lies, and when there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.operations.threshold import fit_threshold

SCORES = st.lists(st.floats(-20.0, 20.0), min_size=1, max_size=40)


@given(own=SCORES, foreign=SCORES)
def test_a_line_lies_between_and_tells_more_than_chance(
    own: list[float], foreign: list[float]
) -> None:
    found = fit_threshold(own, foreign)
    if found is None:
        return
    assert min(foreign) <= found.score <= max(own)
    assert found.kept_ratio + found.refused_ratio >= 1.5
    assert found.kept_ratio == sum(one >= found.score for one in own) / len(own)


@given(own=SCORES, foreign=SCORES, factor=st.sampled_from([0.25, 2.0, 8.0]))
def test_the_scale_of_the_reranker_changes_nothing(
    own: list[float], foreign: list[float], factor: float
) -> None:
    one = fit_threshold(own, foreign)
    other = fit_threshold([score * factor for score in own], [score * factor for score in foreign])
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert other.score == pytest.approx(one.score * factor)
        assert other.kept_ratio == one.kept_ratio


@given(own=SCORES, foreign=SCORES)
def test_the_order_of_the_questions_changes_nothing(own: list[float], foreign: list[float]) -> None:
    assert fit_threshold(own[::-1], sorted(foreign)) == fit_threshold(own, foreign)


def test_foreign_questions_that_are_on_the_subject_hardly_move_it() -> None:
    own = [0.6 + 0.002 * place for place in range(100)]
    foreign = [0.3 + 0.001 * place for place in range(100)]
    clean, dirty = fit_threshold(own, foreign), fit_threshold(own, [*foreign[:90], *[0.8] * 10])
    assert clean is not None
    assert dirty is not None
    assert dirty.score == pytest.approx(clean.score, abs=0.01)


@pytest.mark.parametrize(
    ("own", "foreign"),
    [
        ([0.5, 0.6], [0.5, 0.6]),
        ([0.3, 0.4], [0.5, 0.6]),
        ([0.1, 0.2, 0.9, 0.9, 0.9], [0.1, 0.15, 0.2, 0.8, 0.9]),
    ],
    ids=["the-same", "the-wrong-way-round", "mixed"],
)
def test_what_cannot_be_parted_has_no_line(own: list[float], foreign: list[float]) -> None:
    assert fit_threshold(own, foreign) is None
