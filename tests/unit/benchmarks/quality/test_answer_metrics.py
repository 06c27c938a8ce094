"""What counts as the right answer, and what refusing costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.cli.evaluate.matching import holds_any, normalize
from benchmarks.quality.answer_metrics import (
    refusal_curve,
    sentence_count,
    token_recall,
)
from deployments.contracts.generation import without_citations


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("The  Eiffel Tower.", "eiffel tower"),
        ("an apple, a day", "apple day"),
        ("theory of a\tmatch", "theory of match"),
        ("U.S. $1,000", "us 1000"),
        ("\u2028", ""),
    ],
)
def test_normalisation_is_that_of_squad(text: str, normalized: str) -> None:
    assert normalize(text) == normalized


@given(text=some.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalize(text)
    # A capital that has no lower case of its own may get one piece by piece.
    assert normalize(once) == normalize(normalize(once))


@pytest.mark.parametrize(
    ("text", "answers", "holds"),
    [
        ("It opened in 1889, in Paris.", ["the 1889"], True),
        ("It opened in 18891.", ["1889"], False),
        ("Great wall", ["at wall"], False),
        ("in the north of France", ["Spain", "north of France"], True),
        ("anything", ["The", "!"], False),
        ("anything", [], False),
    ],
    ids=["article", "inside a number", "inside a word", "any of several", "empty", "none"],
)
def test_gold_answer_stands_as_whole_words(text: str, answers: list[str], holds: bool) -> None:
    assert holds_any(text, answers) is holds


def test_numbers_of_sources_are_no_part_of_an_answer() -> None:
    assert without_citations("There are three. [1] Or [four]. [12]") == (
        "There are three. Or [four]."
    )


def test_token_recall_counts_words_as_often_as_they_come() -> None:
    assert token_recall("dogs and more dogs", "Dogs, dogs, dogs, cats") == pytest.approx(2 / 4)
    assert token_recall("dogs", "the") == 0.0


def test_citations_make_no_sentences() -> None:
    assert sentence_count("Dr. Smith left. [1] He came back. [2]") == 2
    assert sentence_count("") == 0


def test_curve_follows_the_threshold() -> None:
    curve = refusal_curve(
        [0.9, 0.7, 0.5, 0.3, 0.8],
        given=[True, True, True, True, False],
        right=[True, False, True, False, False],
        answerable=[True, True, True, False, True],
    )
    assert curve == [
        {"threshold": 0.3, "coverage": 0.75, "risk": 0.5},
        {"threshold": 0.5, "coverage": 0.75, "risk": pytest.approx(1 / 3, abs=1e-4)},
        {"threshold": 0.7, "coverage": 0.5, "risk": 0.5},
        {"threshold": 0.9, "coverage": 0.25, "risk": 0.0},
    ]


def test_coverage_falls_along_the_curve() -> None:
    scores = [0.01 * place for place in range(100)]
    curve = refusal_curve(scores, [True] * 100, [True] * 100, [True] * 100)
    coverages = [point["coverage"] for point in curve]
    assert len(curve) == 20
    assert coverages == sorted(coverages, reverse=True)
    assert coverages[0] == 1.0


def test_without_an_answer_there_is_no_curve() -> None:
    assert refusal_curve([0.5], [False], [False], [True]) == []
