"""What the lexical index knows of a chunk beside its words: enough to name it and to filter it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from deployments.contracts import Chunk, Filter, Scalar
from deployments.retriever.where import Condition

_CHUNK_KEYS = frozenset({"ordinal", "heading", "page"})
"""Fields in which chunks of one document differ."""

_KEPT_FILTERS = 8
"""Filters whose rows are remembered; some 40 bytes for each row that passes."""


@dataclass(frozen=True, slots=True)
class Row:
    """A chunk; `shared` is one mapping for all chunks of a document."""

    chunk_id: str
    shared: Mapping[str, Scalar]
    ordinal: int
    heading: str
    page: int | None

    def fields(self) -> dict[str, object]:
        """Returns the chunk's metadata as the store keeps it."""
        fields: dict[str, object] = dict(self.shared)
        fields["ordinal"] = self.ordinal
        fields["heading"] = self.heading
        if self.page is not None:
            fields["page"] = self.page
        return fields


def row_of(chunk: Chunk, former: Row | None) -> Row:
    """Returns the row of a chunk, which shares what it can with the row made before it."""
    shared: Mapping[str, Scalar] = {
        **chunk.metadata,
        "document_id": chunk.document_id,
        "path": chunk.path,
        "title": chunk.title,
    }
    if former is not None and former.shared == shared:
        shared = former.shared
    return Row(chunk.id, shared, chunk.ordinal, chunk.heading, chunk.page)


class Rows:
    """The rows that one state of the index has, by number; they never change.

    Args:
        rows: Nobody else changes them.
    """

    def __init__(self, rows: Mapping[int, Row]) -> None:
        self._rows = rows
        self._passing: dict[str, frozenset[int]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, number: int) -> Row:
        return self._rows[number]

    def passing(self, where: Filter, condition: Condition) -> frozenset[int]:
        """Returns the numbers of the rows that pass a filter; the next search with the same filter
        need not find them again."""
        key = json.dumps(where, sort_keys=True, default=str)
        numbers = self._passing.get(key)
        if numbers is None:
            numbers = frozenset(_passing(self._rows, condition))
            if len(self._passing) >= _KEPT_FILTERS:
                self._passing.clear()
            self._passing[key] = numbers
        return numbers


def _passing(rows: Mapping[int, Row], condition: Condition) -> list[int]:
    """Returns the numbers of the rows that pass; what holds for a document is decided once."""
    if condition.keys & _CHUNK_KEYS:
        return [number for number, row in rows.items() if condition.matches(row.fields())]
    decided: dict[int, bool] = {}
    passed: list[int] = []
    for number, row in rows.items():
        key = id(row.shared)
        passes = decided.get(key)
        if passes is None:
            passes = decided[key] = condition.matches(row.shared)
        if passes:
            passed.append(number)
    return passed
