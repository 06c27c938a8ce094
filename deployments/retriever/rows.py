"""What a replica knows of a chunk beside its words: all of it, so that no answer needs a row of the
store.

A chunk of 800 characters takes some 1.2 kB.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.documents import Chunk, Scalar
from deployments.contracts.search import Filter
from deployments.retriever.chroma_rows import read_chunk
from deployments.retriever.where import Condition

_CHUNK_KEYS = frozenset({"ordinal", "heading", "page"})
"""Fields in which chunks of one document differ."""

_ERRORS = "surrogatepass"
"""Lone surrogates are no characters, and still come back as they came."""

BLOCK_NUMBERS = 512
"""Rows that are copied together when one of them changes, some 20 kB."""

_KEPT_FILTERS = 8
"""Filters whose rows are remembered; some 50 bytes for each row that passes."""


@dataclass(frozen=True, slots=True)
class Row:
    """A chunk; `shared` is one mapping for all chunks of a document, `text` is in UTF-8."""

    chunk_id: str
    shared: Mapping[str, Scalar]
    ordinal: int
    heading: str
    page: int | None
    text: bytes

    def fields(self) -> dict[str, object]:
        """Returns the chunk's metadata as the store keeps it."""
        fields: dict[str, object] = dict(self.shared)
        fields["ordinal"] = self.ordinal
        fields["heading"] = self.heading
        if self.page is not None:
            fields["page"] = self.page
        return fields

    def chunk(self) -> Chunk:
        """Returns the chunk itself."""
        return read_chunk(self.chunk_id, self.text.decode("utf-8", _ERRORS), self.fields())


def row_of(chunk: Chunk, former: Row | None) -> Row:
    """Returns the row of a chunk, which shares what it can with the row made before it.

    Args:
        chunk: The chunk.
        former: Any row.
    """
    shared: Mapping[str, Scalar] = {
        **chunk.metadata,
        "document_id": chunk.document_id,
        "path": chunk.path,
        "title": chunk.title,
    }
    if former is not None and former.shared == shared:
        shared = former.shared
    text = chunk.text.encode("utf-8", _ERRORS)
    return Row(chunk.id, shared, chunk.ordinal, chunk.heading, chunk.page, text)


class Passing:
    """The numbers of the rows that pass a filter, as a set and in ascending order."""

    def __init__(self, numbers: Collection[int]) -> None:
        self.numbers = frozenset(numbers)
        self.ascending: NDArray[np.int64] = np.sort(np.fromiter(numbers, dtype=np.int64))


class Rows:
    """The rows that one state of the index has, by number; they never change.

    Args:
        blocks: The rows in blocks of neighbours: those with numbers from 0 on are under 0, those
            from `BLOCK_NUMBERS` on under 1, and so forth. Nobody else changes them.
    """

    def __init__(self, blocks: Mapping[int, Mapping[int, Row]]) -> None:
        self._blocks = blocks
        self._count = sum(len(block) for block in blocks.values())
        self._passing: dict[str, Passing] = {}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Row:
        return self._blocks[number // BLOCK_NUMBERS][number]

    def passing(self, where: Filter, condition: Condition) -> Passing:
        """Returns the rows that pass a filter; the next search with the same filter need not find
        them again."""
        key = json.dumps(where, sort_keys=True, default=str)
        passing = self._passing.get(key)
        if passing is None:
            passing = Passing(_passing(self._blocks.values(), condition))
            if len(self._passing) >= _KEPT_FILTERS:
                self._passing.clear()
            self._passing[key] = passing
        return passing


def _passing(blocks: Collection[Mapping[int, Row]], condition: Condition) -> list[int]:
    """Returns the numbers of the rows that pass; what holds for a document is decided once."""
    rows = ((number, row) for block in blocks for number, row in block.items())
    if condition.keys & _CHUNK_KEYS:
        return [number for number, row in rows if condition.matches(row.fields())]
    decided: dict[int, bool] = {}
    passed: list[int] = []
    for number, row in rows:
        key = id(row.shared)
        passes = decided.get(key)
        if passes is None:
            passes = decided[key] = condition.matches(row.shared)
        if passes:
            passed.append(number)
    return passed
