"""Answers cut to what a request allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.contracts.generation import Citation
from deployments.generator.extractive.reading.terms import raw_words, word_ends
from deployments.generator.extractive.shortening import shortened

TEXT = "Tide pumps start at nine. [1] They stop at noon. [2]"
CITED = (Citation(0, 29, 1), Citation(30, 52, 2))


def test_an_answer_that_is_short_enough_stays() -> None:
    cut = shortened(TEXT, CITED, max_words=50, stop=("midnight",))
    assert (cut.text, cut.citations, cut.finish_reason) == (TEXT, CITED, "stop")


@pytest.mark.parametrize(
    ("max_words", "text", "citations"),
    [
        (3, "Tide pumps start", (Citation(0, 16, 1),)),
        (6, "Tide pumps start at nine. [1]", (Citation(0, 29, 1),)),
        (7, "Tide pumps start at nine. [1] They", (Citation(0, 29, 1), Citation(30, 34, 2))),
    ],
)
def test_words_are_counted_with_their_marks(
    max_words: int, text: str, citations: tuple[Citation, ...]
) -> None:
    cut = shortened(TEXT, CITED, max_words=max_words, stop=())
    assert (cut.text, cut.citations, cut.finish_reason) == (text, citations, "length")


def test_it_ends_before_the_first_stop_text() -> None:
    cut = shortened(TEXT, CITED, max_words=8, stop=("noon", " They"))
    assert (cut.text, cut.citations, cut.finish_reason) == (TEXT[:29], CITED[:1], "stop")


def test_what_comes_first_decides() -> None:
    assert shortened(TEXT, CITED, max_words=2, stop=("noon",)).finish_reason == "length"


@given(st.text())
def test_every_word_has_an_end(text: str) -> None:
    ends = word_ends(text)
    assert len(ends) == len(raw_words(text))
    assert ends == sorted(ends)


@given(st.text(alphabet="潮汐泵九点启动 ab[1].", max_size=60), st.integers(1, 40))
def test_no_answer_has_more_words_than_allowed(text: str, max_words: int) -> None:
    assert len(raw_words(shortened(text, (), max_words=max_words, stop=()).text)) <= max_words
