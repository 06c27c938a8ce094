"""Words that are read as others."""

from collections.abc import Iterator

import pytest

from app.answering.spelling import are_certain, respelled, respellings

TEXTS = [
    "To install the winch, lower the anchor.",
    "Anchors are recommended for ferries.",
    "max_anchor_depth",
]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("how do i instal the winch", {"instal": "install"}),
        ("how to instoll it", {"instoll": "install"}),
        ("the winsh", {"winsh": "winch"}),
        ("is it recomended", {"recomended": "recommended"}),
        ("Ancohr or not", {"Ancohr": "anchor"}),
        ("wich anchor does it need", {"wich": "which"}),
        ("what is max_anchr_depth", {"max_anchr_depth": "max_anchor_depth"}),
        ("what is min_anchor_depth", {}),
        ("how do i install the winch", {}),
        ("installed anchors", {}),
        ("who met Anchar there", {}),
        ("the ANCHER", {}),
        ("winch9", {}),
        ("", {}),
        ("instal " * 30, {}),
    ],
)
def test_words_that_nobody_has_are_read_as_near_ones(question: str, found: dict[str, str]) -> None:
    assert respellings(question, TEXTS) == found


def test_question_is_put_together_again() -> None:
    assert respelled("how do i instal it?", {"instal": "install"}) == "how do i install it?"


def test_names_that_are_almost_others_mean_those() -> None:
    assert are_certain({"instal": "install", "top_kk": "top_k"})
    assert not are_certain({"instal": "install"})


def test_of_equally_near_words_the_frequent_one_is_meant() -> None:
    assert respellings("the bernes", ["bernet bernea bernea"]) == {"bernes": "bernea"}


def test_no_passage_is_read_beyond_those_that_have_all_words() -> None:
    def passages() -> Iterator[str]:
        yield "A lease is renewed."
        raise AssertionError("a second one was asked for")

    assert respellings("when is the lease renewed", passages()) == {}
