"""The adapter over tantivy: BM25 over texts, in memory.

Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009; with
k1 = 1.2 and b = 0.75, which are tantivy's.
"""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from deployments.retriever.analyzer import make_analyzer, make_whole_analyzer, whole_terms
from deployments.retriever.lexical_queries import LexicalQueries
from deployments.words.searchable import searchable

if TYPE_CHECKING:
    from tantivy import Query, Searcher

_WRITER_BYTES = 32 * 2**20
_SPARE_HITS = 16
_MAX_TIES = 4096
"""Texts that are looked at to order equal ones; among more than these, which come is chance."""

_TRIED_HITS = 200
"""Best hits that are held against a filter one by one, before all texts are."""

_MAX_TRIED_HITS = 2000
"""Beyond so many, a search among the texts that pass costs less."""

_SCORE_DIGITS = 4
"""Scores are sums in single precision, whose last digits depend on the order of the words."""

Found = list[tuple[int, float]]
"""Numbers and scores, which are BM25's: above 0, without an upper bound."""


class LexicalIndex:
    """The words of texts that come and go, each under a number that is never used twice. One thread
    at a time may change it.

    Scores count texts that were removed until tantivy merges them away, so that two indexes with
    the same texts and another history may differ a little in them.
    """

    def __init__(self) -> None:
        import tantivy

        self._tantivy = tantivy
        schema = (
            tantivy.SchemaBuilder()
            .add_unsigned_field("number", indexed=True, fast=True)
            .add_text_field("words", tokenizer_name="words", index_option="position")
            .add_text_field("wholes", tokenizer_name="wholes", index_option="basic")
            .build()
        )
        self._index = tantivy.Index(schema)
        self._index.register_tokenizer("words", make_analyzer())
        self._index.register_tokenizer("wholes", make_whole_analyzer())
        self._queries = LexicalQueries(schema)
        # The other policy keeps a thread that watches for commits.
        self._index.config_reader("manual")
        self._writer = self._index.writer(heap_size=_WRITER_BYTES, num_threads=1)

    def add(self, number: int, text: str) -> None:
        """Adds a text."""
        document = self._tantivy.Document()
        document.add_unsigned("number", number)
        document.add_text("words", searchable(text))
        if wholes := whole_terms(text):
            document.add_text("wholes", " ".join(wholes))
        self._writer.add_document(document)

    def remove(self, numbers: Sequence[int]) -> None:
        """Removes texts."""
        if numbers:
            # By a query: tantivy 0.27 finds no unsigned number when it deletes by a term.
            self._writer.delete_documents_by_query(self._queries.among(numbers))

    def commit(self) -> "LexicalView":
        """Returns the texts as they are."""
        self._writer.commit()
        self._index.reload()
        return LexicalView(self._index.searcher(), self._queries)


class LexicalView:
    """The texts of one moment. Safe to share between threads; every method blocks.

    Searches return the best `top_k` texts with words of the query, and whatever ties with the last
    of them, by descending score.

    Args:
        searcher: A reader of tantivy.
        queries: Makes the queries of its index.
    """

    def __init__(self, searcher: "Searcher", queries: LexicalQueries) -> None:
        self._searcher = searcher
        self._queries = queries

    def search(self, text: str, top_k: int) -> Found:
        """Returns the best texts."""
        words = self._queries.words(text, self._searcher)
        return [] if words is None else self._best(words, top_k)

    def search_among(
        self,
        text: str,
        top_k: int,
        *,
        passes: Callable[[int], bool],
        passing: Callable[[], Collection[int]],
    ) -> Found:
        """Returns the best texts that pass. Holds ever more of the best ones against the filter;
        where few pass, it looks among those alone.

        Args:
            text: The query.
            top_k: How many.
            passes: Returns whether a number passes.
            passing: Returns all numbers that pass; not asked where the best texts are enough.
        """
        words = self._queries.words(text, self._searcher)
        if words is None:
            return []
        found = self._tried(words, max(_TRIED_HITS, 4 * top_k), top_k, passes)
        if found is not None:
            return found
        return self._in(words, top_k, passing())

    def search_in(self, text: str, top_k: int, allowed: Collection[int]) -> Found:
        """Returns the best of those texts whose numbers are allowed."""
        words = self._queries.words(text, self._searcher) if allowed else None
        return [] if words is None else self._in(words, top_k, allowed)

    def _in(self, words: "Query", top_k: int, allowed: Collection[int]) -> Found:
        if not allowed:
            return []
        tried = 2 * top_k * self._searcher.num_docs // len(allowed)
        if tried <= _MAX_TRIED_HITS:
            found = self._tried(words, tried, top_k, allowed.__contains__)
            if found is not None:
                return found
        return self._best(self._queries.both(words, self._queries.among(list(allowed))), top_k)

    def _tried(
        self, words: "Query", tried: int, top_k: int, passes: Callable[[int], bool]
    ) -> Found | None:
        """Returns the best hits that pass, None where they may be further down."""
        hits = self._hits(words, tried)
        passed = [hit for hit in hits if passes(hit[0])]
        # Beyond the last hit there may be ties with it, whose order is not ours.
        if len(hits) == tried and sum(hit[1] > hits[-1][1] for hit in passed) < top_k:
            return None
        return passed

    def _best(self, query: "Query", top_k: int) -> Found:
        limit = top_k + _SPARE_HITS
        hits = self._hits(query, limit)
        while len(hits) == limit < _MAX_TIES and hits[-1][1] == hits[top_k - 1][1]:
            limit *= 4
            hits = self._hits(query, limit)
        return hits

    def _hits(self, query: "Query", limit: int) -> Found:
        found = self._searcher.search(query, limit=limit, count=False).hits
        if not found:
            return []
        numbers = self._searcher.fast_field_values("number", [address for _, address in found])
        return [
            (int(number or 0), round(float(score), _SCORE_DIGITS))
            for number, (score, _) in zip(numbers, found, strict=True)
        ]
