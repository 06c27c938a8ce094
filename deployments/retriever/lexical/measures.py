"""What tantivy knows of the texts of one state of an index and has no method to ask for: it tells
it in the explanation of a score."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deployments.retriever.lexical.queries import LexicalQueries

if TYPE_CHECKING:
    from tantivy import DocAddress, Query, Searcher

_EXPLAINED_WORDS = 100
"""Words that are tried where the counts of an index are asked for."""

_KEPT_LENGTHS = 50_000
"""Texts whose lengths are remembered, some 5 MB."""


class TextMeasures:
    """Safe to share between threads.

    Args:
        searcher: A reader of tantivy.
        queries: Makes the queries of its index.
    """

    def __init__(self, searcher: "Searcher", queries: LexicalQueries) -> None:
        self._searcher = searcher
        self._queries = queries
        self._counts: tuple[int, float] | None = None
        self._is_counted = False
        self._lengths: dict[int, int] = {}

    def counts(self, words: Iterable[str] = ()) -> tuple[int, float] | None:
        """Returns how many texts tantivy counts when it scores one, removed ones included, and
        their mean length in words; None where no text has a word.

        Args:
            words: Some that texts may have, to look for first.
        """
        if not self._is_counted:
            for word in chain(words, self._frequent_words()):
                query = self._queries.word(word)
                # A word may be there still whose texts are gone.
                if found := self._searcher.search(query, limit=1, count=False).hits:
                    values = self._explained(query, found[0][1])
                    self._counts = int(values["N"]), values["avgdl"]
                    break
            self._is_counted = True
        return self._counts

    def among(self, numbers: Sequence[int]) -> "FewTexts":
        """Returns some dozens of the texts."""
        return FewTexts(self, self._queries.few(numbers), len(numbers))

    def hits(
        self, query: "Query", among: "Query", count: int
    ) -> tuple[list[int], list[float], list["DocAddress"]]:
        """Returns numbers, scores and places of those of some texts that fit a query."""
        both = self._queries.both(query, among)
        found = self._searcher.search(both, limit=count, count=False).hits
        if not found:
            return [], [], []
        addresses = [address for _, address in found]
        numbers = self._searcher.fast_field_values("number", addresses)
        return (
            [int(number or 0) for number in numbers],
            [float(score) for score, _ in found],
            addresses,
        )

    def word(self, word: str) -> "Query":
        """Returns the query for a word."""
        return self._queries.word(word)

    def length(self, number: int, query: "Query", address: "DocAddress") -> int:
        """Returns how many words a text has that fits the query for a word, as tantivy keeps it."""
        length = self._lengths.get(number)
        if length is None:
            length = int(self._explained(query, address)["dl"])
            if len(self._lengths) >= _KEPT_LENGTHS:
                self._lengths.clear()
            self._lengths[number] = length
        return length

    def _frequent_words(self) -> Iterator[str]:
        for word, _ in self._searcher.terms_with_prefix("words", "", limit=_EXPLAINED_WORDS):
            yield word

    def _explained(self, query: "Query", address: "DocAddress") -> Mapping[str, float]:
        """Returns the values that a score comes from, by the names in its explanation."""
        values: dict[str, float] = {}
        left: list[dict[str, Any]] = [json.loads(query.explain(self._searcher, address).to_json())]
        while left:
            node = left.pop()
            values[node["description"].split(",")[0]] = node["value"]
            left += node.get("details", ())
        return values


class FewTexts:
    """Some dozens of texts.

    Args:
        measures: Of all texts.
        among: The query for these.
        count: How many these are.
    """

    def __init__(self, measures: TextMeasures, among: "Query", count: int) -> None:
        self._measures = measures
        self._among = among
        self._count = count

    def fitting(self, query: "Query") -> list[int]:
        """Returns the numbers of those that fit a query."""
        return self._measures.hits(query, self._among, self._count)[0]

    def with_word(self, word: str) -> tuple[list[int], NDArray[np.float32], NDArray[np.float32]]:
        """Returns the numbers of those that have a word, the word's part of their scores, and how
        many words they have."""
        query = self._measures.word(word)
        numbers, scores, addresses = self._measures.hits(query, self._among, self._count)
        lengths = [
            self._measures.length(number, query, address)
            for number, address in zip(numbers, addresses, strict=True)
        ]
        return numbers, np.array(scores, dtype=np.float32), np.array(lengths, dtype=np.float32)
