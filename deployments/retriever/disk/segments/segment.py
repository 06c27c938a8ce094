"""One segment: rows that never change, as mapped arrays."""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.documents import Markup, Scalar
from deployments.contracts.tenants import Acl
from deployments.contracts.vectors import Vectors
from deployments.retriever.disk.files import Damaged, mapped
from deployments.retriever.disk.manifest import SegmentFacts
from deployments.retriever.disk.segments.columns import SegmentColumns
from deployments.retriever.disk.segments.layout import BLOBS, arrays
from deployments.retriever.index.columns import Columns
from deployments.retriever.index.row import Row

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]


class Segment:
    """The rows of one segment, by their places. Safe to share between threads.

    Args:
        folder: Where its files are.
        facts: What they must be.

    Raises:
        Damaged: A file is not there, or of another length.
    """

    def __init__(self, folder: Path, facts: SegmentFacts) -> None:
        self.folder = folder
        self.facts = facts
        try:
            self._arrays = {
                name: mapped(folder / name, dtype, shape)
                for name, (dtype, shape) in arrays(facts).items()
            }
            self._blobs = {
                name: mapped(folder / name, np.uint8, (int(self._arrays[f"{name}_ends"][-1]),))
                for name in BLOBS
            }
        except FileNotFoundError as error:
            raise Damaged(f"{facts.name}: {error}") from error
        self._records = {name: blob.data for name, blob in self._blobs.items()}
        self._ends = {name: self._arrays[f"{name}_ends"] for name in BLOBS}
        self.numbers: Numbers = self._arrays["numbers"]
        self.vectors: Vectors = self._arrays["vectors"]
        self.codes: NDArray[np.uint64] = self._arrays["codes"]
        ends = np.cumsum((0, *facts.partition_rows))
        self._partitions = [
            slice(int(first), int(end)) for first, end in zip(ends[:-1], ends[1:], strict=True)
        ]

    def __len__(self) -> int:
        return self.facts.row_count

    def array(self, name: str) -> NDArray[Any]:
        """Returns one of the arrays of `layout`."""
        return self._arrays[name]

    def blob(self, name: str) -> NDArray[np.uint8]:
        """Returns one of the blobs of `layout`."""
        return self._blobs[name]

    @cached_property
    def columns(self) -> Columns:
        """The metadata of all rows, for filters."""
        return SegmentColumns(self)

    def partition(self, place: int) -> NDArray[np.int32]:
        """Returns the ascending places of a partition's rows."""
        rows: NDArray[np.int32] = self._arrays["partition_rows"][self._partitions[place]]
        return rows

    def row(self, place: int) -> Row:
        """Returns a row."""
        head, _, text = self.record("rows", place).partition(b"\0")
        ordinal, heading, page, markup = json.loads(str(head, "ascii"))
        chunk_id = self.chunk_id(place)
        shared, acl = self.fields(int(self._arrays["row_fields"][place]))
        return Row(chunk_id, shared, ordinal, heading, page, text, cast(Markup, markup), acl)

    def chunk_id(self, place: int) -> str:
        """Returns the id of a row's chunk."""
        return self.record("ids", place).decode("utf-8", "surrogatepass")

    def fields(self, place: int) -> tuple[Mapping[str, Scalar], Acl]:
        """Returns what rows of a document share, and who may read them."""
        shared, acl = json.loads(str(self.record("fields", place), "ascii"))
        return shared, None if acl is None else frozenset(acl)

    def document(self, place: int) -> tuple[str, str]:
        """Returns a document's id in the index and the mark of its version."""
        document_id, mark = json.loads(str(self.record("documents", place), "ascii"))
        return document_id, mark

    def headings(self) -> list[str]:
        """Returns the headings that `row_headings` counts."""
        count = self.facts.heading_count
        return [json.loads(self.record("headings", place)) for place in range(count)]

    def find(self, document_id: str, hashed: int) -> int | None:
        """Returns the place of a document.

        Args:
            document_id: As the index calls it.
            hashed: Its `hash_of`.
        """
        hashes = self._arrays["hashes"]
        at = int(hashes.searchsorted(np.uint64(hashed)))
        while at < len(hashes) and int(hashes[at]) == hashed:
            place = int(self._arrays["hash_documents"][at])
            if self.document(place)[0] == document_id:
                return place
            at += 1
        return None

    def rows_of(self, document: int) -> slice:
        """Returns the places of a document's rows, which are in the order of their ordinals."""
        first, end = self._arrays["document_rows"][document : document + 2].tolist()
        return slice(first, end)

    def rows_gone(self, dead: Mask) -> Mask:
        """Returns which rows are of documents that are dead."""
        gone: Mask = np.repeat(dead, np.diff(self._arrays["document_rows"]))
        return gone

    def documents(self, dead: Mask) -> Iterator[tuple[str, str]]:
        """Yields the ids and marks of the documents that are not dead."""
        for place in np.flatnonzero(~dead).tolist():
            yield self.document(place)

    def partition_of(self, document: int) -> int | None:
        """Returns the partition of a document, None for one without rows."""
        rows = self.rows_of(document)
        if rows.start == rows.stop:
            return None
        field = self._arrays["row_fields"][rows.start]
        return int(self._arrays["field_partitions"][field])

    def record(self, name: str, place: int) -> bytes:
        """Returns a record of a blob."""
        first, end = self._ends[name][place : place + 2].tolist()
        return bytes(self._records[name][first:end])
