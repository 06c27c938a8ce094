"""Words of a part of the texts are scored as they would be among all of them."""

import random
from collections.abc import Iterable

import pytest

from deployments.contracts.search import WordCounts
from deployments.retriever.lexical.texts import Found, LexicalIndex, LexicalView
from deployments.retriever.lexical.told import ToldWords, count_words
from deployments.sharding.merging import sum_counts

WORDS = [f"{first}{second}" for first in ("qua", "bri", "lom") for second in "abcdefgh"]
DRAW = random.Random(4)
# The second half is made of much longer texts: the means of the parts have nothing in common.
TEXTS = [
    " ".join(DRAW.choices(WORDS, range(1, len(WORDS) + 1), k=DRAW.randint(3, 9 + 60 * (n >= 150))))
    for n in range(300)
]


def view_of(numbers: Iterable[int]) -> LexicalView:
    index = LexicalIndex()
    for number in numbers:
        index.add(number, TEXTS[number])
    return index.commit()


WHOLE = view_of(range(300))
PARTS = (view_of(range(150)), view_of(range(150, 300)))


def best(found: Found, top_k: int) -> Found:
    return sorted(found, key=lambda hit: (-hit[1], hit[0]))[:top_k]


def counts_of(question: str) -> WordCounts:
    return sum_counts([count_words(part, [question]) for part in PARTS])


QUESTIONS = [" ".join(DRAW.sample(WORDS, DRAW.randint(1, 6))) for _ in range(40)] + [
    '"quaa quab"',
    f'{WORDS[3]} "{" ".join(TEXTS[200].split()[2:5])}"',
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_parts_of_other_lengths_are_scored_as_one(question: str) -> None:
    """Their order by scores of their own is another one, so that each has to look on."""
    counts = counts_of(question)
    found = [hit for part in PARTS for hit in ToldWords(part, counts).search(question, 10)]
    expected = best(WHOLE.search(question, 10), 10)
    assert best(found, 10) == [
        (number, pytest.approx(score, abs=1.5e-4)) for number, score in expected
    ]


@pytest.mark.parametrize("question", QUESTIONS[:8])
def test_a_choice_of_texts_is_scored_the_same(question: str) -> None:
    counts = counts_of(question)
    allowed = frozenset(range(0, 300, 7))
    told = [ToldWords(part, counts) for part in PARTS]
    chosen = [hit for one in told for hit in one.search_in(question, 5, allowed)]
    among = [
        hit
        for one in told
        for hit in one.search_among(
            question, 5, passes=allowed.__contains__, passing=lambda: allowed
        )
    ]
    expected = [number for number, _ in best(WHOLE.search_in(question, 5, allowed), 5)]
    assert [number for number, _ in best(chosen, 5)] == expected
    assert [number for number, _ in best(among, 5)] == expected


def test_counts_add_up_to_those_of_one_index() -> None:
    question = "quaa brib lomh nowhere"
    whole, parts = count_words(WHOLE, [question]), counts_of(question)
    assert (parts.texts, parts.living, parts.measured_texts) == (300, 300, 300)
    assert parts.measured_words == whole.measured_words == sum(len(t.split()) for t in TEXTS)
    assert parts.frequencies == whole.frequencies
    assert set(parts.frequencies) == {("words", "quaa"), ("words", "brib"), ("words", "lomh")}


def test_an_empty_part_says_nothing_and_finds_nothing() -> None:
    empty = view_of(())
    assert count_words(empty, ["quaa"]) == WordCounts()
    assert ToldWords(empty, counts_of("quaa")).search("quaa", 5) == []
    assert ToldWords(PARTS[0], WordCounts()).search("the", 5) == []
