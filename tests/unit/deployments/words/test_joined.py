"""Words that some write in one and others with marks between find each other."""

from collections.abc import Callable

import pytest

from deployments.words.joined import with_joined
from deployments.words.named import held_by
from deployments.words.searchable import searchable
from tests.linear_time import assert_linear


def words(text: str) -> set[str]:
    return set(searchable(text).split())


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("ebook", "an E-book"),
        ("coworkers", "all co‑workers"),
        ("preflight", "the pre-flight check"),
        ("UK", "offices in the U.K."),
        ("NATO", "N.A.T.O's"),
        ("ie", "a node, i.e.the machine"),
        ("45000", "45,000 rows"),
        ("2750000", "2'750'000 Franken"),
        ("2750000", "2.750.000 Zeilen"),
        ("2750000", "2\u202f750\u202f000 lignes"),
        ("31_500", "31500"),
        ("vuejs", "Vue.js 3"),
        ("harbor", "every harbour"),
        ("summarise", "to summarize it"),
        ("does not listen", "doesn’t listen"),
        ("cannot", "can't"),
        ("wont", "it will not"),
        ("Ada's engine", "the engine that Ada made"),
    ],
)
def test_what_is_written_otherwise_is_found(asked: str, written: str) -> None:
    sought = words(asked) - {"31", "500"}
    assert sought <= words(written)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("read-only", {"read", "only"}),
        ("ports 100,200,300", {"100", "200", "300"}),
        ("10.100.200.220", {"10", "100", "200", "220"}),
        ("x.y and config.yaml", {"x", "y", "config", "yaml"}),
        ("3.141", {"3", "141"}),
        ("l'heure d'Ada", {"heure", "ada"}),
    ],
)
def test_what_may_be_several_words_stays(text: str, kept: set[str]) -> None:
    assert kept <= words(text)


def test_a_phrase_is_found_behind_a_word_in_both_ways() -> None:
    assert "ebook reader" in searchable("an e-book reader")


def test_blanks_between_thousands_make_no_other_number() -> None:
    assert held_by("some 12\u00a0500 rows").numbers == {"12500"}


@pytest.mark.parametrize("read", [with_joined, searchable])
@pytest.mark.parametrize(
    "unit", ["a.", "a-", "1,000", "1.000", "n't", "a'", "dont ", "a.js", "÷", "҂"]
)
def test_twice_the_text_takes_twice_the_time(read: Callable[[str], object], unit: str) -> None:
    assert_linear(lambda: read(unit * 20_000), lambda: read(unit * 40_000))
