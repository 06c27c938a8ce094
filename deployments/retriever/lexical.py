"""The adapter over tantivy: BM25 over chunks, in the memory of one replica.

Changes become visible together, at `commit`. Beside the words the index keeps the chunks as they
are, with their vectors, so that nothing has to be fetched for an answer; the store can always fill
it again. 100,000 chunks of 800 characters with vectors of 384 numbers take about 280 MB, of which
32 MB are there for what is being written.

Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009; with
k1 = 1.2 and b = 0.75, which are tantivy's.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from deployments.contracts import Chunk, Filter, Vectors
from deployments.errors import InvalidRequest
from deployments.retriever.row_table import RowTable
from deployments.retriever.rows import Row, Rows
from deployments.retriever.where import Condition, compile_where
from deployments.retriever.words import make_analyzer, normalized
from deployments.stop_words import STOP_WORDS

if TYPE_CHECKING:
    from tantivy import Query, Searcher

_WRITER_BYTES = 32 * 2**20
_MAX_TERMS = 64
"""Words of one query that are looked up, the rarest: a page of text as a query costs no more than
a long question."""

_SPARE_HITS = 16
_MAX_TIES = 4096
"""Chunks that are looked at to order equal ones; among more than these, which come is chance."""

_TRIED_HITS = 200
"""Best hits that are held against a filter one by one, before all chunks are."""

_MAX_TRIED_HITS = 2000
"""Beyond so many, a search among the chunks that pass costs less."""

_SCORE_DIGITS = 4
"""Scores are sums in single precision, whose last digits depend on the order of the words."""


@dataclass(frozen=True, slots=True)
class LexicalSearch:
    """What to look for."""

    query: str
    top_k: int
    where: Filter | None = None


@dataclass(frozen=True, slots=True)
class LexicalHit:
    """A chunk with words of the query; `score` is BM25's, above 0 and without an upper bound."""

    chunk_id: str
    score: float


@dataclass(frozen=True, slots=True)
class _Live:
    """What searches see: a reader of tantivy, and the rows of exactly its chunks."""

    searcher: "Searcher"
    rows: Rows


class LexicalIndex:
    """BM25 over chunks that come and go. Safe to share between threads; every method blocks.

    Scores count chunks that were removed until tantivy merges them away, so that two indexes with
    the same chunks and another history may differ a little in them.
    """

    def __init__(self) -> None:
        import tantivy

        self._tantivy = tantivy
        self._analyzer = make_analyzer()
        self._query_analyzer = make_analyzer(stop_words=STOP_WORDS)
        self._schema = (
            tantivy.SchemaBuilder()
            .add_unsigned_field("number", indexed=True, fast=True)
            .add_text_field("words", tokenizer_name="words", index_option="freq")
            .build()
        )
        self._index = tantivy.Index(self._schema)
        self._index.register_tokenizer("words", self._analyzer)
        # The other policy keeps a thread that watches for commits.
        self._index.config_reader("manual")
        self._writer = self._index.writer(heap_size=_WRITER_BYTES, num_threads=1)
        self._table = RowTable()
        self._writing = Lock()
        self._live = _Live(self._index.searcher(), self._table.snapshot())

    def __len__(self) -> int:
        """Returns how many chunks searches see."""
        return len(self._live.rows)

    def add(self, chunks: Iterable[Chunk], vectors: Vectors | None = None) -> None:
        """Adds chunks, each with its row of `vectors` where there are any; one whose id is known
        replaces the former."""
        with self._writing:
            gone: list[int] = []
            for place, chunk in enumerate(chunks):
                number, former = self._table.add(chunk, None if vectors is None else vectors[place])
                if former is not None:
                    gone.append(former)
                document = self._tantivy.Document()
                document.add_unsigned("number", number)
                document.add_text("words", normalized(chunk.passage()))
                self._writer.add_document(document)
            self._forget(gone)

    def remove(self, document_ids: Iterable[str]) -> None:
        """Removes all chunks of those documents that are known."""
        with self._writing:
            self._forget(self._table.remove(document_ids))

    def commit(self) -> None:
        """Shows what was added and removed since the last time; searches under way see all of the
        former state."""
        with self._writing:
            self._writer.commit()
            self._index.reload()
            self._live = _Live(self._index.searcher(), self._table.snapshot())

    def rows(self, chunk_ids: Iterable[str]) -> dict[str, Row]:
        """Returns what is known of those chunks, also what searches do not see yet; one that is
        being replaced may be missing."""
        return self._table.find(chunk_ids)

    def search(self, searches: Sequence[LexicalSearch]) -> list[tuple[LexicalHit, ...]]:
        """Returns for each search the chunks with words of the query by descending score, ties by
        chunk id.

        Raises:
            InvalidRequest: A filter is none of Chroma's, or asks for the text of chunks.
        """
        live = self._live
        return [self._search(live, one) for one in searches]

    def _search(self, live: _Live, search: LexicalSearch) -> tuple[LexicalHit, ...]:
        condition = _condition(search.where)
        words = self._words_query(live, search.query)
        if words is None:
            return ()
        if condition is None:
            return self._best(live, words, search.top_k)
        return self._filtered(live, words, search, condition)

    def _filtered(
        self, live: _Live, words: "Query", search: LexicalSearch, condition: Condition
    ) -> tuple[LexicalHit, ...]:
        """Holds ever more of the best hits against the filter; where few chunks pass, it looks
        among those alone."""
        tried = max(_TRIED_HITS, 4 * search.top_k)
        found = self._tried(
            live, words, tried, search, lambda number: condition.matches(live.rows[number].fields())
        )
        if found is not None:
            return found
        allowed = live.rows.passing(search.where or {}, condition)
        if not allowed:
            return ()
        tried = 2 * search.top_k * len(live.rows) // len(allowed)
        if tried <= _MAX_TRIED_HITS:
            found = self._tried(live, words, tried, search, allowed.__contains__)
            if found is not None:
                return found
        Query, Occur = self._tantivy.Query, self._tantivy.Occur
        among = Query.term_set_query(self._schema, "number", list(allowed))
        both = [(Occur.Must, Query.const_score_query(among, 0.0)), (Occur.Must, words)]
        return self._best(live, Query.boolean_query(both), search.top_k)

    def _tried(
        self,
        live: _Live,
        words: "Query",
        tried: int,
        search: LexicalSearch,
        passes: Callable[[int], bool],
    ) -> tuple[LexicalHit, ...] | None:
        """Returns the best hits that pass, None where they may be further down."""
        hits = self._hits(live, words, tried)
        passed = [hit for hit in hits if passes(hit[0])]
        # Beyond the last hit there may be ties with it, whose order is not ours.
        if len(hits) == tried and sum(hit[1] > hits[-1][1] for hit in passed) < search.top_k:
            return None
        return _ranked(live, passed, search.top_k)

    def _best(self, live: _Live, query: "Query", top_k: int) -> tuple[LexicalHit, ...]:
        limit = top_k + _SPARE_HITS
        hits = self._hits(live, query, limit)
        while len(hits) == limit < _MAX_TIES and hits[-1][1] == hits[top_k - 1][1]:
            limit *= 4
            hits = self._hits(live, query, limit)
        return _ranked(live, hits, top_k)

    def _hits(self, live: _Live, query: "Query", limit: int) -> list[tuple[int, float]]:
        """Returns number and score of at most `limit` chunks by descending score."""
        found = live.searcher.search(query, limit=limit, count=False).hits
        if not found:
            return []
        numbers = live.searcher.fast_field_values("number", [address for _, address in found])
        return [
            (int(number or 0), round(float(score), _SCORE_DIGITS))
            for number, (score, _) in zip(numbers, found, strict=True)
        ]

    def _words_query(self, live: _Live, text: str) -> "Query | None":
        plain = normalized(text)
        found = self._query_analyzer.analyze(plain) or self._analyzer.analyze(plain)
        words = list(dict.fromkeys(found))
        if len(words) > _MAX_TERMS:
            counts = {word: live.searcher.doc_freq("words", word) for word in words}
            words = sorted((word for word in words if counts[word]), key=lambda word: counts[word])
        if not words:
            return None
        Query, Occur = self._tantivy.Query, self._tantivy.Occur
        return Query.boolean_query(
            [
                (Occur.Should, Query.term_query(self._schema, "words", word, index_option="freq"))
                for word in words[:_MAX_TERMS]
            ]
        )

    def _forget(self, numbers: Sequence[int]) -> None:
        if numbers:
            # By a query: tantivy 0.27 finds no unsigned number when it deletes by a term.
            gone = self._tantivy.Query.term_set_query(self._schema, "number", numbers)
            self._writer.delete_documents_by_query(gone)


def _condition(where: Filter | None) -> Condition | None:
    if not where:
        return None
    condition = compile_where(where)
    if condition is None:
        raise InvalidRequest("The words of a text are no filter of a search by words.", "retriever")
    return condition


def _ranked(live: _Live, hits: Sequence[tuple[int, float]], top_k: int) -> tuple[LexicalHit, ...]:
    found = [LexicalHit(live.rows[number].chunk_id, score) for number, score in hits]
    return tuple(sorted(found, key=lambda hit: (-hit.score, hit.chunk_id))[:top_k])
