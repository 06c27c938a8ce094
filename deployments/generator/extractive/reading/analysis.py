"""What the words of a sentence, a question and a passage are, whatever they are compared with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from deployments.contracts.documents import Chunk, Markup
from deployments.generator.extractive.reading.sentences import Statement, shown_blocks, statements
from deployments.generator.extractive.reading.terms import (
    parts,
    raw_words,
    stem,
    terms,
    without_asking,
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
    """A passage's sentences in reading order, the terms of all its text, code included, and stems
    and numbers of its sentences."""

    sentences: tuple[Sentence, ...]
    terms: frozenset[str]
    stems: frozenset[str]
    numbers: frozenset[str]
    word_count: int


def analyse_sentence(text: str) -> Sentence:
    """Returns a sentence or a question taken apart; compounds with a hyphen count as their
    parts."""
    return _analyse(Statement(without_asking(text)))


def _analyse(statement: Statement) -> Sentence:
    text = statement.said
    raw = [part for word in raw_words(text) for part in parts(word)]
    lower = tuple(word.lower().removesuffix("'s").replace(",", "") for word in raw)
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
        numbers=with_digit(lower),
        is_negated=bool(negations(lower)),
        statement=statement,
    )


def with_digit(words: Iterable[str]) -> frozenset[str]:
    """Returns those of some words that have a digit."""
    return frozenset(word for word in words if any(map(str.isdigit, word)))


def negations(words: Iterable[str]) -> frozenset[str]:
    """Returns those of some words in lower case that say what is not."""
    return frozenset(word for word in words if word in _NEGATIONS or word.endswith("n't"))


@lru_cache(maxsize=_KEPT_PASSAGES)
def analyse_passage(text: str, markup: Markup = "markdown", label: str = "") -> Passage:
    """Returns a passage taken apart; `label` is the heading above it."""
    found = tuple(_analyse(statement) for statement in statements(text, markup, label))
    return Passage(
        sentences=found,
        terms=frozenset(terms(text)),
        stems=frozenset().union(*(sentence.stems for sentence in found)),
        numbers=frozenset().union(*(sentence.numbers for sentence in found)),
        word_count=len(raw_words(text)),
    )


@lru_cache(maxsize=_KEPT_PASSAGES)
def _analyse_blocks(text: str, markup: Markup, label: str) -> tuple[Sentence, ...]:
    return tuple(
        replace(_analyse(replace(shown, text=f"{shown.text} {shown.content}")), statement=shown)
        for _, shown in shown_blocks(text, markup, label)
    )


def blocks_of(chunk: Chunk) -> tuple[Sentence, ...]:
    """Returns the code, the tables and the lists of a chunk's passage taken apart, each with the
    sentence that leads to it."""
    return _analyse_blocks(chunk.text, chunk.markup, _label(chunk))


def passage_of(chunk: Chunk) -> Passage:
    """Returns the passage of a chunk taken apart, under the innermost of its headings."""
    return analyse_passage(chunk.text, chunk.markup, _label(chunk))


def _label(chunk: Chunk) -> str:
    label = chunk.heading.rpartition(" > ")[2] or chunk.title
    # A document without a title goes by the name of its file, which says nothing of what is in it.
    name = chunk.path.rpartition("/")[2]
    is_file = label in (name, name.partition(".")[0])
    return "" if is_file else label
