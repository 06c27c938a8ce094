"""All chunks of a collection as one replica searches them: what they are, their words and their
vectors.

They are in the files of a generation, which all replicas of a node share, and in memory what came
since; without files, all in memory: 100,000 chunks of 800 characters with vectors of 384 numbers
take about 370 MB there. Changes become visible together, at `commit`. Nothing has to be fetched for
an answer; the store can always fill the index again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

import numpy as np

from deployments.contracts.documents import Chunk
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.search import Filter, WordCounts
from deployments.contracts.tenants import Access
from deployments.contracts.vectors import Vectors
from deployments.retriever.disk.base import Base
from deployments.retriever.disk.generation import Generation
from deployments.retriever.disk.segments.parts import StoredDocument
from deployments.retriever.disk.words import LayeredWords
from deployments.retriever.index.row_table import RowTable
from deployments.retriever.index.rows import Rows
from deployments.retriever.index.vectors import Seen, VectorTable, VectorView
from deployments.retriever.index.where import Condition, compile_where
from deployments.retriever.lexical.pending import PendingView, PendingWords
from deployments.retriever.lexical.queries import Questions
from deployments.retriever.lexical.texts import LexicalIndex, LexicalView
from deployments.retriever.lexical.told import ToldWords
from deployments.retriever.tenancy.partitions import Numbers


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
    words: LexicalView | LayeredWords
    vectors: VectorView
    states: Mapping[str, str]

    def by_words(
        self,
        query: str,
        top_k: int,
        where: Filter | None = None,
        *,
        access: Access,
        counts: WordCounts | None = None,
    ) -> list[Hit]:
        """Returns the chunks within reach that have words of the query by descending score, ties by
        chunk id; scored by counts of more texts than are here, where they are given.

        Raises:
            InvalidRequest: A filter is none of Chroma's, or asks for the text of chunks.
        """
        condition, selection = _condition(where), self.rows.within(access)
        words = self.words if counts is None else ToldWords(self.words, counts)
        if condition is None and selection.is_whole:
            return self._ranked(words.search(query, top_k), top_k)

        def passing() -> Numbers:
            if condition is None:
                return selection.numbers
            return selection.passing(where or {}, condition)

        def passes(number: int) -> bool:
            # Words of rows that went are in the files until the next generation.
            is_whole = selection.is_whole and self.rows.has(number)
            is_open = is_whole or self.rows.is_in_reach(access, number)
            return is_open and (condition is None or condition.matches(self.rows[number].fields()))

        if selection.is_small:
            found = words.search_in(query, top_k, passing().as_set)
        else:
            found = words.search_among(
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
        hits = [Hit(number, self.rows.chunk_id(number), score) for number, score in found]
        return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))[:top_k]


class ChunkIndex:
    """Chunks that come and go. Safe to share between threads; every method blocks.

    Args:
        in_files: Whether memory has only what is newer than a generation; else it has everything.
        generation: What there is to begin with; None for nothing.
    """

    def __init__(self, *, in_files: bool = False, generation: Generation | None = None) -> None:
        self._base = None if generation is None else Base(generation)
        self._table = RowTable(0 if generation is None else generation.manifest.next_number)
        self._words: LexicalIndex | PendingWords = PendingWords() if in_files else LexicalIndex()
        self._questions = Questions()
        self._vectors = VectorTable()
        self._gone: list[int] = []
        self._writing = Lock()
        self._view = self._look({})

    def __len__(self) -> int:
        """Returns how many chunks searches see."""
        return len(self._view.rows)

    @property
    def base(self) -> Base | None:
        """The rows of the generation that still count."""
        return self._base

    @property
    def change_count(self) -> int:
        """Chunks that came or went since the generation was written."""
        gone = 0 if self._base is None else len(self._base.gone)
        return self._table.given + gone

    def add(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Adds chunks, each with its row of `vectors`; one whose id is known replaces the
        former."""
        with self._writing:
            self._lift({chunk.document_id for chunk in chunks})
            self._add(chunks, vectors)

    def remove(self, document_ids: Iterable[str]) -> None:
        """Removes all chunks of those documents that are known."""
        with self._writing:
            going = list(document_ids)
            self._gone.extend(self._table.remove(going))
            if self._base is not None:
                self._base = self._base.without(going)

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

    def become(self, other: "ChunkIndex") -> None:
        """Takes all that another index has, and shows it; nobody uses that one any more."""
        with self._writing:
            self._base, self._table, self._words = other._base, other._table, other._words
            self._vectors, self._gone, self._view = other._vectors, other._gone, other._view

    def document(self, document_id: str, mark: str) -> StoredDocument:
        """Returns a document that came since the generation was written, as searches see it.

        Args:
            document_id: As the index calls it.
            mark: Of its version.
        """
        view = self._view
        ordinals = view.rows.documents().get(document_id, {})
        numbers = [ordinals[ordinal] for ordinal in sorted(ordinals)]
        ascending = np.array(sorted(numbers), dtype=np.int64)
        vectors = view.vectors.vectors(ascending)[np.searchsorted(ascending, numbers)]
        return StoredDocument(document_id, mark, [view.rows[number] for number in numbers], vectors)

    def _add(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        numbers = []
        for chunk in chunks:
            number, former = self._table.add(chunk)
            numbers.append(number)
            if former is not None:
                self._gone.append(former)
            self._words.add(number, chunk.passage())
        self._vectors.add(numbers, vectors)

    def _lift(self, document_ids: Iterable[str]) -> None:
        """Takes documents of the generation into memory: each is in one place."""
        for document_id in document_ids:
            base = self._base
            if base is not None and (numbers := base.rows_of(document_id)):
                chunks = [base.row(number).chunk() for number in numbers]
                vectors = VectorView(base.seen()).vectors(np.array(numbers))
                self._base = base.without([document_id])
                self._add(chunks, vectors)

    def _look(self, states: Mapping[str, str]) -> View:
        words = self._words.commit()
        below: list[Seen] = [] if self._base is None else self._base.seen()
        return View(
            self._table.snapshot(self._base),
            words if isinstance(words, LexicalView) else self._layered(words),
            VectorView([*below, *self._vectors.view().seen]),
            states,
        )

    def _layered(self, words: PendingView) -> LayeredWords:
        stored = None if self._base is None else self._base.generation.words
        gone = np.empty(0, dtype=np.int64) if self._base is None else self._base.gone
        return LayeredWords(stored, words, gone, self._questions)


def _condition(where: Filter | None) -> Condition | None:
    if not where:
        return None
    condition = compile_where(where)
    if condition is None:
        raise InvalidRequest("The words of a text are no filter of a search by words.", "retriever")
    return condition
