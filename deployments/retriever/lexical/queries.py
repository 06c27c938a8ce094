"""What a question asks of the lexical index.

Its words are alternatives that BM25 weighs. What it names as a whole, a code or a quoted phrase,
counts so much that a text which holds it comes before those that only have its parts.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from deployments.retriever.lexical.analyzer import make_analyzer, whole_terms
from deployments.stop_words import STOP_WORDS
from deployments.words.identifiers import is_strict
from deployments.words.quotes import quoted
from deployments.words.searchable import searchable

if TYPE_CHECKING:
    from tantivy import Query, Schema

MAX_TERMS = 64
"""Words of one query that are looked up, the rarest: a page of text as a query costs no more than
a long question."""

_MAX_WHOLES = 16
"""Codes and phrases of one query that are looked up."""

_WHOLE_WEIGHT = 3.0
"""Times the rarity of a code or a phrase: BM25 gives a word at most 2.2 times its own."""
_LOOSE_WEIGHT = 0.5
"""The same for wholes that may be said otherwise, beside what their parts get."""
_NAME_WEIGHT = 0.75
"""The same for a stop word that is spelled as a name, which has no parts that count."""


class Statistics(Protocol):
    """What is known of all texts together."""

    @property
    def num_docs(self) -> int:
        """How many there are."""
        ...

    def doc_freq(self, field_name: str, field_value: str) -> int:
        """Returns in how many a word is."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks for: words, codes with what each adds to a score, and phrases of several
    words with theirs."""

    words: tuple[str, ...]
    wholes: tuple[tuple[str, float], ...]
    phrases: tuple[tuple[tuple[str, ...], float], ...]

    def __bool__(self) -> bool:
        return bool(self.words or self.wholes or self.phrases)


class Questions:
    """Reads questions."""

    def __init__(self) -> None:
        self._analyzer = make_analyzer()
        self._short_analyzer = make_analyzer(stop_words=STOP_WORDS)

    def read(self, text: str, statistics: Statistics) -> Asked:
        """Returns what a text asks for, which is nothing where no text has it."""
        folded = searchable(text)
        words = self._short_analyzer.analyze(folded)
        wholes = []
        for whole in whole_terms(text)[:_MAX_WHOLES]:
            if count := statistics.doc_freq("wholes", whole):
                weight = _WHOLE_WEIGHT if is_strict(whole) else _LOOSE_WEIGHT
                weight = _NAME_WEIGHT if whole.isalpha() else weight
                wholes.append((whole, weight * _rarity(count, statistics)))
            elif whole.lower() in STOP_WORDS:
                words += self._analyzer.analyze(searchable(whole))
        words = list(dict.fromkeys(words)) or list(
            () if wholes else dict.fromkeys(self._analyzer.analyze(folded))
        )
        if len(words) > MAX_TERMS:
            counts = {word: statistics.doc_freq("words", word) for word in words}
            words = sorted((word for word in words if counts[word]), key=lambda word: counts[word])
        phrases = []
        for phrase in quoted(text)[:_MAX_WHOLES]:
            parts = tuple(self._analyzer.analyze(searchable(phrase)))
            if len(parts) > 1:
                counted = (statistics.doc_freq("words", part) for part in parts)
                rarity = sum(_rarity(count, statistics) for count in counted)
                phrases.append((parts, _WHOLE_WEIGHT * rarity))
        return Asked(tuple(words[:MAX_TERMS]), tuple(wholes), tuple(phrases))

    def terms(self, text: str) -> Iterator[tuple[str, str]]:
        """Yields the words, each with its field, whose counts `read` may ask for."""
        wholes = whole_terms(text)[:_MAX_WHOLES]
        phrases = quoted(text)[:_MAX_WHOLES]
        for part in (searchable(text), *map(searchable, (*wholes, *phrases))):
            for word in self._analyzer.analyze(part):
                yield "words", word
        for whole in wholes:
            yield "wholes", whole


class LexicalQueries:
    """Makes the queries of one index of tantivy.

    Args:
        schema: With the fields `number`, `words` and `wholes`.
    """

    def __init__(self, schema: "Schema") -> None:
        import tantivy

        self._schema = schema
        self._query, self._occur = tantivy.Query, tantivy.Occur

    def words(self, asked: Asked, boost: Callable[[str], float] | None = None) -> "Query":
        """Returns the query for texts with anything that is asked for.

        Args:
            asked: Something.
            boost: Returns by how much more a word counts than the index itself knows; None for as
                much.
        """
        parts = []
        for word in asked.words:
            part = self._term("words", word, "position")
            parts.append(part if boost is None else self._query.boost_query(part, boost(word)))
        parts += [
            self._query.const_score_query(query, weight) for query, weight in self.wholes(asked)
        ]
        return self._query.boolean_query([(self._occur.Should, part) for part in parts])

    def wholes(self, asked: Asked) -> Iterator[tuple["Query", float]]:
        """Yields the queries for the codes and the phrases that are asked for, with what each adds
        to a score."""
        for whole, weight in asked.wholes:
            yield self._term("wholes", whole, "basic"), weight
        for phrase, weight in asked.phrases:
            yield self._query.phrase_query(self._schema, "words", list(phrase)), weight

    def word(self, word: str) -> "Query":
        """Returns the query for texts with a word."""
        return self._term("words", word, "position")

    def among(self, numbers: Sequence[int]) -> "Query":
        """Returns the query for the texts with those numbers."""
        return self._query.term_set_query(self._schema, "number", numbers)

    def few(self, numbers: Sequence[int]) -> "Query":
        """Returns the same as `among`, for less where there are some dozens, with scores of 0."""
        each = (self._query.term_query(self._schema, "number", number) for number in numbers)
        return self._query.boolean_query(
            [(self._occur.Should, self._query.const_score_query(one, 0.0)) for one in each]
        )

    def both(self, words: "Query", among: "Query") -> "Query":
        """Returns the query for what fits both, with the scores of the first."""
        must = self._occur.Must
        return self._query.boolean_query(
            [(must, self._query.const_score_query(among, 0.0)), (must, words)]
        )

    def but(self, words: "Query", without: "Query") -> "Query":
        """Returns the query for what fits the first and not the second."""
        return self._query.boolean_query(
            [(self._occur.Must, words), (self._occur.MustNot, without)]
        )

    def _term(self, field: str, term: str, index_option: str) -> "Query":
        return self._query.term_query(self._schema, field, term, index_option=index_option)


def _rarity(count: int, statistics: Statistics) -> float:
    return rarity(count, statistics.num_docs)


def rarity(count: int, total: int) -> float:
    """Returns how rare it is that a text has something, as BM25 counts it.

    Args:
        count: Texts that have it.
        total: All texts.
    """
    rest = max(total - count, 0)
    return math.log(1.0 + (rest + 0.5) / (count + 0.5))
