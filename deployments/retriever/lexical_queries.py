"""What a question asks of the lexical index, in tantivy's terms.

Its words are alternatives that BM25 weighs. What it names as a whole, a code or a quoted phrase,
counts so much that a text which holds it comes before those that only have its parts.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from deployments.retriever.analyzer import make_analyzer, whole_terms
from deployments.stop_words import STOP_WORDS
from deployments.words.identifiers import is_strict
from deployments.words.quotes import quoted
from deployments.words.searchable import searchable

if TYPE_CHECKING:
    from tantivy import Query, Schema, Searcher

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


class LexicalQueries:
    """Makes the queries of one index.

    Args:
        schema: With the fields `number`, `words` and `wholes`.
    """

    def __init__(self, schema: "Schema") -> None:
        import tantivy

        self._schema = schema
        self._query, self._occur = tantivy.Query, tantivy.Occur
        self._analyzer = make_analyzer()
        self._short_analyzer = make_analyzer(stop_words=STOP_WORDS)

    def words(self, text: str, searcher: "Searcher") -> "Query | None":
        """Returns the query for texts with anything that a text asks for, None where it asks for
        nothing."""
        folded = searchable(text)
        words = self._short_analyzer.analyze(folded)
        wholes = []
        for whole in whole_terms(text)[:_MAX_WHOLES]:
            if count := searcher.doc_freq("wholes", whole):
                weight = _WHOLE_WEIGHT if is_strict(whole) else _LOOSE_WEIGHT
                weight = _NAME_WEIGHT if whole.isalpha() else weight
                wholes.append((whole, weight * _rarity(count, searcher)))
            elif whole.lower() in STOP_WORDS:
                words += self._analyzer.analyze(searchable(whole))
        words = list(dict.fromkeys(words)) or list(
            () if wholes else dict.fromkeys(self._analyzer.analyze(folded))
        )
        if len(words) > MAX_TERMS:
            counts = {word: searcher.doc_freq("words", word) for word in words}
            words = sorted((word for word in words if counts[word]), key=lambda word: counts[word])
        parts = [self._term("words", word, "position") for word in words[:MAX_TERMS]]
        parts += [
            self._query.const_score_query(self._term("wholes", whole, "basic"), weight)
            for whole, weight in wholes
        ]
        parts += self._phrases(text, searcher)
        if not parts:
            return None
        return self._query.boolean_query([(self._occur.Should, part) for part in parts])

    def among(self, numbers: Sequence[int]) -> "Query":
        """Returns the query for the texts with those numbers."""
        return self._query.term_set_query(self._schema, "number", numbers)

    def both(self, words: "Query", among: "Query") -> "Query":
        """Returns the query for what fits both, with the scores of the first."""
        must = self._occur.Must
        return self._query.boolean_query(
            [(must, self._query.const_score_query(among, 0.0)), (must, words)]
        )

    def _term(self, field: str, term: str, index_option: str) -> "Query":
        return self._query.term_query(self._schema, field, term, index_option=index_option)

    def _phrases(self, text: str, searcher: "Searcher") -> "list[Query]":
        phrases = []
        for phrase in quoted(text)[:_MAX_WHOLES]:
            words = self._analyzer.analyze(searchable(phrase))
            if len(words) > 1:
                rarity = sum(_rarity(searcher.doc_freq("words", word), searcher) for word in words)
                query = self._query.phrase_query(self._schema, "words", list(words))
                phrases.append(self._query.const_score_query(query, _WHOLE_WEIGHT * rarity))
        return phrases


def _rarity(count: int, searcher: "Searcher") -> float:
    """Returns how rare it is that a text has something, as BM25 counts it."""
    rest = max(searcher.num_docs - count, 0)
    return math.log(1.0 + (rest + 0.5) / (count + 0.5))
