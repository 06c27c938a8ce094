"""All chunks of a collection in the memory of one replica: what they are, their words and their
vectors.

Changes become visible together, at `commit`. Nothing has to be fetched for an answer; the store can
always fill the index again. 100,000 chunks of 800 characters with vectors of 384 numbers take about
370 MB, of which 32 MB are there for words that are being written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

import numpy as np

from deployments.contracts.documents import Chunk
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.search import Filter
from deployments.contracts.tenants import Access
from deployments.contracts.vectors import Vectors
from deployments.retriever.lexical import LexicalIndex, LexicalView
from deployments.retriever.row_table import RowTable
from deployments.retriever.rows import Rows
from deployments.retriever.tenancy.partitions import Numbers
from deployments.retriever.vectors import VectorTable, VectorView
from deployments.retriever.where import Condition, compile_where


class Hit(NamedTuple):
    """A chunk that was found. `score` is the cosine or BM25's, which is above 0 and has no upper
    bound."""

    number: int
    chunk_id: str
    score: float


@dataclass(frozen=True, slots=True)
class View:
    """One state of the index: words and vectors of exactly its rows, and the state of each tenant's
    documents as whoever filled it says. It never changes."""

    rows: Rows
    words: LexicalView
    vectors: VectorView
    states: Mapping[str, str]

    def by_words(
        self, query: str, top_k: int, where: Filter | None = None, *, access: Access
    ) -> list[Hit]:
        """Returns the chunks within reach that have words of the query by descending score, ties by
        chunk id.

        Raises:
            InvalidRequest: A filter is none of Chroma's, or asks for the text of chunks.
        """
        condition, selection = _condition(where), self.rows.within(access)
        if condition is None and selection.is_whole:
            return self._ranked(self.words.search(query, top_k), top_k)

        def passing() -> Numbers:
            if condition is None:
                return selection.numbers
            return selection.passing(where or {}, condition)

        def passes(number: int) -> bool:
            is_open = selection.is_whole or self.rows.is_in_reach(access, number)
            return is_open and (condition is None or condition.matches(self.rows[number].fields()))

        if selection.is_small:
            found = self.words.search_in(query, top_k, passing().as_set)
        else:
            found = self.words.search_among(
                query, top_k, passes=passes, passing=lambda: passing().as_set
            )
        return self._ranked(found, top_k)

    def by_meaning(
        self, vector: Vectors, top_k: int, where: Filter | None = None, *, access: Access
    ) -> list[Hit]:
        """Returns the chunks within reach and near a vector of shape (dim,) by descending cosine,
        ties by chunk id.

        Raises:
            InvalidRequest: As for words.
            StageFailed: The chunks have vectors of another dimension.
        """
        condition, selection = _condition(where), self.rows.within(access)
        among = None if selection.is_whole else selection.numbers
        if condition is not None:
            among = selection.passing(where or {}, condition)
        numbers, cosines = self.vectors.nearest(
            vector, top_k, None if among is None else among.ascending
        )
        return self._ranked(zip(numbers.tolist(), cosines.tolist(), strict=True), top_k)

    def cosines(self, numbers: Iterable[int], vector: Vectors) -> dict[int, float]:
        """Returns the cosines of chunks of this state, by their numbers."""
        ascending = np.array(sorted(numbers), dtype=np.int64)
        cosines = self.vectors.cosines(ascending, vector)
        return dict(zip(ascending.tolist(), cosines.tolist(), strict=True))

    def _ranked(self, found: Iterable[tuple[int, float]], top_k: int) -> list[Hit]:
        hits = [Hit(number, self.rows[number].chunk_id, score) for number, score in found]
        return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))[:top_k]


class ChunkIndex:
    """Chunks that come and go. Safe to share between threads; every method blocks."""

    def __init__(self) -> None:
        self._table = RowTable()
        self._words = LexicalIndex()
        self._vectors = VectorTable()
        self._gone: list[int] = []
        self._writing = Lock()
        self._view = self._look({})

    def __len__(self) -> int:
        """Returns how many chunks searches see."""
        return len(self._view.rows)

    def add(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Adds chunks, each with its row of `vectors`; one whose id is known replaces the
        former."""
        with self._writing:
            numbers = []
            for chunk in chunks:
                number, former = self._table.add(chunk)
                numbers.append(number)
                if former is not None:
                    self._gone.append(former)
                self._words.add(number, chunk.passage())
            self._vectors.add(numbers, vectors)

    def remove(self, document_ids: Iterable[str]) -> None:
        """Removes all chunks of those documents that are known."""
        with self._writing:
            self._gone.extend(self._table.remove(document_ids))

    def commit(self, states: Mapping[str, str] | None = None) -> None:
        """Shows what was added and removed since the last time; searches under way see all of the
        former state.

        Args:
            states: See `View`; None for none.
        """
        with self._writing:
            self._words.remove(self._gone)
            self._vectors.remove(self._gone)
            self._gone = []
            self._view = self._look(states or {})

    def view(self) -> View:
        """Returns what searches see."""
        return self._view

    def _look(self, states: Mapping[str, str]) -> View:
        return View(self._table.snapshot(), self._words.commit(), self._vectors.view(), states)


def _condition(where: Filter | None) -> Condition | None:
    if not where:
        return None
    condition = compile_where(where)
    if condition is None:
        raise InvalidRequest("The words of a text are no filter of a search by words.", "retriever")
    return condition
