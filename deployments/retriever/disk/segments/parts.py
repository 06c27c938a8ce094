"""What a segment is made of: rows that come from memory, or those of another segment that still
count."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.tenants import Acl
from deployments.contracts.vectors import Vectors
from deployments.retriever.disk.segments.layout import BLOBS, NO_PAGE, hash_of
from deployments.retriever.disk.segments.segment import Mask, Segment
from deployments.retriever.index.codes import code_words, codes_of
from deployments.retriever.index.row import Row
from deployments.retriever.tenancy.names import tenant_of

_SLICE_ROWS = 16_384
"""Rows whose vectors are in memory at once while they are copied, 25 MB."""


class Records(NamedTuple):
    """Some records of a blob: their lengths, and their bytes in pieces."""

    lengths: NDArray[np.int64]
    pieces: Sequence[NDArray[np.uint8] | bytes]


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as it is written: its id in the index, the mark of its version, and its rows by
    ascending ordinals with their vectors of length 1."""

    document_id: str
    mark: str
    rows: Sequence[Row]
    vectors: Vectors


class Part:
    """Rows of a new segment, in order. `arrays` and `records` are as `layout` names them, with
    places that are counted in this part."""

    def __init__(
        self,
        arrays: dict[str, NDArray[Any]],
        records: dict[str, Records],
        partitions: Sequence[tuple[str, Acl]],
        vectors: Sequence[Vectors],
        codes: NDArray[np.uint64],
        kept: Mask | None = None,
    ) -> None:
        self.arrays = arrays
        self.records = records
        self.partitions = partitions
        self._vectors = vectors
        self._codes = codes
        self._kept = kept

    @property
    def dimension(self) -> int:
        """Numbers of a vector; 0 where there is none."""
        return next((given.shape[1] for given in self._vectors if len(given)), 0)

    def vectors(self) -> Iterator[Vectors]:
        """Yields the vectors, some at a time."""
        for given in self._vectors:
            for first in range(0, len(given), _SLICE_ROWS):
                rows = slice(first, first + _SLICE_ROWS)
                yield given[rows] if self._kept is None else given[rows][self._kept[rows]]

    def code_word(self, word: int) -> NDArray[np.uint64]:
        """Returns one word of the codes of all rows."""
        codes: NDArray[np.uint64] = self._codes[word]
        return codes if self._kept is None else codes[self._kept]


def part_of_documents(documents: Sequence[StoredDocument], *, first_number: int) -> Part:
    """Returns documents from memory as a part, under new numbers."""
    fields: dict[tuple[int, int, Acl], int] = {}
    field_records: list[bytes] = []
    field_partitions: list[int] = []
    partitions: dict[tuple[str, Acl], int] = {}
    headings: dict[str, int] = {}
    rows: list[bytes] = []
    ids: list[bytes] = []
    row_fields, ordinals, pages, row_headings = [], [], [], []
    for place, document in enumerate(documents):
        for row in document.rows:
            key = place, id(row.shared), row.acl
            if key not in fields:
                fields[key] = len(fields)
                acl = None if row.acl is None else sorted(row.acl)
                field_records.append(json.dumps([dict(row.shared), acl]).encode())
                owner = tenant_of(document.document_id), row.acl
                field_partitions.append(partitions.setdefault(owner, len(partitions)))
            row_fields.append(fields[key])
            ordinals.append(row.ordinal)
            pages.append(NO_PAGE if row.page is None else row.page)
            row_headings.append(headings.setdefault(row.heading, len(headings)))
            ids.append(row.chunk_id.encode("utf-8", "surrogatepass"))
            head = json.dumps([row.ordinal, row.heading, row.page, row.markup])
            rows.append(b"\0".join((head.encode(), row.text)))
    vectors = [document.vectors for document in documents if len(document.vectors)]
    codes = np.concatenate([codes_of(given) for given in vectors]).T if vectors else _no_codes(0)
    return Part(
        arrays={
            "numbers": np.arange(first_number, first_number + len(rows), dtype=np.int64),
            "ordinals": np.array(ordinals, dtype=np.int32),
            "pages": np.array(pages, dtype=np.int32),
            "row_headings": np.array(row_headings, dtype=np.int32),
            "row_fields": np.array(row_fields, dtype=np.int32),
            "field_partitions": np.array(field_partitions, dtype=np.int32),
            "document_counts": np.array([len(one.rows) for one in documents], dtype=np.int64),
            "document_hashes": np.array(
                [hash_of(one.document_id) for one in documents], dtype=np.uint64
            ),
        },
        records={
            "ids": _records(ids),
            "rows": _records(rows),
            "fields": _records(field_records),
            "documents": _records(
                [json.dumps([one.document_id, one.mark]).encode() for one in documents]
            ),
            "headings": _records([json.dumps(heading).encode() for heading in headings]),
        },
        partitions=list(partitions),
        vectors=vectors,
        codes=codes,
    )


def part_of_segment(segment: Segment, dead: Mask) -> Part:
    """Returns what of a segment still counts.

    Args:
        segment: The segment.
        dead: Which of its documents count no more.
    """
    kept = ~segment.rows_gone(dead)
    fields, row_fields = _renumbered(segment.array("row_fields")[kept], segment.facts.field_count)
    headings, row_headings = _renumbered(
        segment.array("row_headings")[kept], segment.facts.heading_count
    )
    hashes = np.empty(len(dead), dtype=np.uint64)
    hashes[segment.array("hash_documents")] = segment.array("hashes")
    kept_of = {
        "ids": kept,
        "rows": kept,
        "fields": fields,
        "documents": ~dead,
        "headings": headings,
    }
    return Part(
        arrays={
            **{name: segment.array(name)[kept] for name in ("numbers", "ordinals", "pages")},
            "row_headings": row_headings,
            "row_fields": row_fields,
            "field_partitions": segment.array("field_partitions")[fields],
            "document_counts": np.diff(segment.array("document_rows").astype(np.int64))[~dead],
            "document_hashes": hashes[~dead],
        },
        records={name: _kept_records(segment, name, kept_of[name]) for name in BLOBS},
        partitions=segment.facts.partitions,
        vectors=[segment.vectors],
        codes=segment.codes,
        kept=kept,
    )


def _no_codes(dimension: int) -> NDArray[np.uint64]:
    return np.empty((code_words(dimension), 0), dtype=np.uint64)


def _records(records: Sequence[bytes]) -> Records:
    return Records(np.array([len(record) for record in records], dtype=np.int64), records)


def _renumbered(places: NDArray[np.int32], count: int) -> tuple[Mask, NDArray[np.int32]]:
    """Returns which of `count` things are used, and the places counted among those."""
    is_used = np.zeros(count, dtype=np.bool_)
    is_used[places] = True
    return is_used, (np.cumsum(is_used, dtype=np.int32) - 1)[places]


def _kept_records(segment: Segment, name: str, kept: Mask) -> Records:
    ends = segment.array(f"{name}_ends")
    blob = segment.blob(name)
    # Neighbours are copied together: where each run of them begins and ends.
    edges = np.flatnonzero(np.diff(np.concatenate(([False], kept, [False])).astype(np.int8)))
    runs = ends[edges].reshape(-1, 2).tolist()
    return Records(np.diff(ends)[kept], [blob[first:end] for first, end in runs])
