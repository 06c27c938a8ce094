"""What the words of a sentence, a question and a passage are, whatever they are compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from deployments.generator.extractive.sentences import (
    Statement,
    raw_words,
    statements,
    stem,
    terms,
)
from deployments.stop_words import STOP_WORDS

_KEPT_PASSAGES = 1024
"""Passages that are found often are taken apart once; about 40 kB each. Taking one apart again
takes a quarter of a millisecond."""

_NEGATIONS = frozenset("cannot neither never no nobody none nor not nothing without".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence or a question, taken apart.

    `stems` are those of all words, `terms` those of the words that are not stop words, and
    `sequence` has the terms in reading order, each with its place among the words. `names` are the
    terms that are capitalised where no sentence begins; `numbers` the words with a digit.
    """

    text: str
    words: tuple[str, ...]
    stems: frozenset[str]
    sequence: tuple[tuple[str, int], ...]
    terms: frozenset[str]
    places: Mapping[str, Sequence[int]]
    names: frozenset[str]
    numbers: frozenset[str]
    is_negated: bool
    statement: Statement
    """The same as an answer may quote it."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage's sentences in reading order, and the terms of all its text."""

    sentences: tuple[Sentence, ...]
    terms: frozenset[str]
    word_count: int


def analyse_sentence(text: str) -> Sentence:
    """Returns a sentence or a question taken apart; compounds with a hyphen count as their
    parts."""
    return _analyse(Statement(text))


def _analyse(statement: Statement) -> Sentence:
    text = statement.text
    raw = [part for word in raw_words(text) for part in word.split("-") if part]
    lower = tuple(word.lower().removesuffix("'s") for word in raw)
    stems = [stem(word) for word in lower]
    sequence = tuple(
        (one, place)
        for place, (word, one) in enumerate(zip(lower, stems, strict=True))
        if word not in STOP_WORDS
    )
    places: dict[str, list[int]] = {}
    for one, place in sequence:
        places.setdefault(one, []).append(place)
    # Where all is in capitals, a capital marks no name.
    marks_names = not text.isupper()
    return Sentence(
        text=text,
        words=lower,
        stems=frozenset(stems),
        sequence=sequence,
        terms=frozenset(places),
        places=places,
        names=frozenset(
            one for one, place in sequence if marks_names and place and raw[place][0].isupper()
        ),
        numbers=frozenset(word for word in lower if any(map(str.isdigit, word))),
        is_negated=any(word in _NEGATIONS or word.endswith("n't") for word in lower),
        statement=statement,
    )


@lru_cache(maxsize=_KEPT_PASSAGES)
def analyse_passage(text: str) -> Passage:
    """Returns a Markdown passage taken apart."""
    return Passage(
        sentences=tuple(_analyse(statement) for statement in statements(text)),
        terms=frozenset(terms(text)),
        word_count=len(raw_words(text)),
    )
