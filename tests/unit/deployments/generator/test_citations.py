"""Which stretch of an answer a marker cites, however the answer was cut into pieces."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.contracts.generation import Citation
from deployments.generator.citations import CitationTracker, is_grounded
from deployments.generator.extractive.engine import NO_INFORMATION

RANKS = (1, 2, 3)


def cited(text: str) -> list[tuple[int, str]]:
    """The sources with the stretches that rest on them."""
    citations = CitationTracker(RANKS).feed(text)
    return [(one.source, text[one.start : one.end]) for one in citations]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One is so [1].", [(1, "One is so [1]")]),
        ("One is so. [1]", [(1, "One is so. [1]")]),
        ("One [1]. Two [2].", [(1, "One [1]"), (2, "Two [2]")]),
        ("One. [1] Two. [2]", [(1, "One. [1]"), (2, "Two. [2]")]),
        ("Nothing here. Two [2].", [(2, "Two [2]")]),
        ("A has it [1] and B too [2].", [(1, "A has it [1]"), (2, "and B too [2]")]),
        ("A has it [1][3].", [(1, "A has it [1]"), (3, "A has it [1][3]")]),
        ("A has it [1], [3].", [(1, "A has it [1]"), (3, "A has it [1], [3]")]),
        ("A has it [1, 3].", [(1, "A has it [1, 3]"), (3, "A has it [1, 3]")]),
        ("A has it [ 3;1 ].", [(3, "A has it [ 3;1 ]"), (1, "A has it [ 3;1 ]")]),
        ("A has it [2, 2].", [(2, "A has it [2, 2]")]),
        ("A has it [2, 9].", [(2, "A has it [2, 9]")]),
        ("A has it [9][2].", [(2, "A has it [9][2]")]),
        ("In [2024] it grew [1].", [(1, "In [2024] it grew [1]")]),
        ("- One [1]\n- Two [2]", [(1, "One [1]"), (2, "Two [2]")]),
        ("1. One [1]\n2. Two [2]", [(1, "One [1]"), (2, "Two [2]")]),
        ("## Title\n\nOne [1]", [(1, "One [1]")]),
        ("One is so.\n[1]", [(1, "One is so.\n[1]")]),
        (
            "Dr. Smith ran 3.5 km, e.g. at home [1].",
            [(1, "Dr. Smith ran 3.5 km, e.g. at home [1]")],
        ),
        ("**Bold** one [1].", [(1, "**Bold** one [1]")]),
        ("它在那里。他走了[1]。好的[2]。", [(1, "他走了[1]"), (2, "好的[2]")]),
        ("[1] says so.", [(1, "[1]")]),
        ("One [[1]].", [(1, "One [[1]")]),
        ("One [0] [4] [12345] [-1] [a] [] [1-2] [1.] (1) [^1].", []),
        ("", []),
    ],
)
def test_a_marker_cites_the_stretch_of_its_sentence_before_it(
    text: str, expected: list[tuple[int, str]]
) -> None:
    assert cited(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use `rows[1]` [2].", [2]),
        ("So [1]:\n```c\nx = rows[2];\n```\nDone [3].", [1, 3]),
        ("~~~\nrows[1]\n~~~\n[2]", [2]),
        ("A ` alone\nand [1].", [1]),
        ("```c\nrows[1]", []),
    ],
)
def test_an_index_in_code_cites_nothing(text: str, expected: list[int]) -> None:
    assert [source for source, _ in cited(text)] == expected
    tracker = CitationTracker(RANKS)
    piecewise = [one for piece in text for one in tracker.feed(piece)]
    assert [one.source for one in piecewise] == expected


def test_a_citation_is_told_with_the_piece_that_completes_it() -> None:
    tracker = CitationTracker(RANKS)
    assert tracker.feed("One is so [") == ()
    assert tracker.feed("1") == ()
    assert tracker.feed("] and") == (Citation(0, 13, 1),)
    assert tracker.feed(" that") == ()


def test_the_numbers_are_ranks_not_places() -> None:
    """Chunks that did not fit the prompt leave gaps."""
    assert [one.source for one in CitationTracker((2, 5)).feed("A [1]. B [5].")] == [5]


PIECES = ["[", "]", "1", "2", "3", "9", ",", " ", ". ", ".", "\n", "One", "two", "e.g.", "[1]", "é"]
ANSWERS = st.lists(st.sampled_from([*PIECES, "[2, 3]", "- ", "。", "\u2028"]), max_size=60)


@settings(max_examples=150)
@given(answer=ANSWERS.map("".join), data=st.data())
def test_any_cutting_gives_the_same_citations(answer: str, data: st.DataObject) -> None:
    whole = CitationTracker(RANKS).feed(answer)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=12)))
    tracker, piecewise = CitationTracker(RANKS), []
    for start, end in zip([0, *cuts], [*cuts, len(answer)], strict=True):
        for citation in tracker.feed(answer[start:end]):
            assert start < citation.end <= end, "told with another piece"
            piecewise.append(citation)
    assert tuple(piecewise) == whole


@settings(max_examples=150)
@given(answer=ANSWERS.map("".join))
def test_any_citation_names_a_source_and_ends_with_its_marker(answer: str) -> None:
    citations = CitationTracker(RANKS).feed(answer)
    for citation in citations:
        assert 0 <= citation.start < citation.end <= len(answer)
        assert citation.source in RANKS
        assert answer[citation.end - 1] == "]"
        assert str(citation.source) in answer[answer.rindex("[", 0, citation.end) : citation.end]
    assert [one.end for one in citations] == sorted(one.end for one in citations)


CITED = (Citation(0, 5, 1),)


@pytest.mark.parametrize(
    ("text", "citations", "grounded"),
    [
        ("One is so [1].", CITED, True),
        ("One is so.", (), False),
        ("", (), False),
        (NO_INFORMATION, CITED, False),
        (f'  "{NO_INFORMATION.upper()}"\n', CITED, False),
        (NO_INFORMATION.rstrip("."), CITED, False),
        (f"{NO_INFORMATION} [1]", CITED, False),
        (f"I am sorry, but {NO_INFORMATION} [1]", CITED, False),
        (f"{NO_INFORMATION} But the tower of the next town is 330 metres tall [1].", CITED, True),
    ],
    ids=[
        "cited",
        "uncited",
        "empty",
        "refusal",
        "shouted-and-quoted",
        "no-full-stop",
        "refusal-that-cites",
        "apology",
        "refusal-and-answer",
    ],
)
def test_an_answer_is_grounded_when_it_cites_and_does_not_refuse(
    text: str, citations: tuple[Citation, ...], grounded: bool
) -> None:
    assert is_grounded(text, citations) is grounded
