"""The rows of a generation while documents of it go: what stays of the files until the next one."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.tenants import Acl
from deployments.retriever.disk.generation import Generation
from deployments.retriever.disk.segments.layout import hash_of
from deployments.retriever.disk.segments.segment import Mask, Segment
from deployments.retriever.index.columns import Columns, Part
from deployments.retriever.index.row import Row
from deployments.retriever.index.vectors import Seen
from deployments.retriever.tenancy.partitions import Numbers, Partition

_SPARSE = 8
"""A filter reads the rows that it may pass one by one where they are less than one in so many."""


@dataclass(frozen=True, slots=True)
class SegmentState:
    """Which rows of a segment count: `gone` are those that do not, `dead` the same of documents;
    `rows` and `documents` count by partition what is there. `since` are the numbers of rows that
    went after the generation was written."""

    segment: Segment
    dead: Mask
    gone: Mask
    rows: NDArray[np.int64]
    documents: NDArray[np.int64]
    since: NDArray[np.int64]

    def without(self, places: Iterable[int]) -> "SegmentState":
        """Returns the state without some documents that are there."""
        dead, gone = self.dead.copy(), self.gone.copy()
        counts, documents = self.rows.copy(), self.documents.copy()
        since = [self.since]
        for document in places:
            rows = self.segment.rows_of(document)
            dead[document] = gone[rows] = True
            since.append(self.segment.numbers[rows])
            partition = self.segment.partition_of(document)
            if partition is not None:
                counts[partition] -= rows.stop - rows.start
                documents[partition] -= 1
        return SegmentState(self.segment, dead, gone, counts, documents, np.concatenate(since))


def state_of_segment(segment: Segment, dead: Mask) -> SegmentState:
    """Returns the state of a segment some of whose documents are dead."""
    gone = segment.rows_gone(dead)
    partitions = segment.array("field_partitions")[segment.array("row_fields")]
    count = len(segment.facts.partitions)
    first_rows = segment.array("document_rows")[:-1][
        ~dead & (np.diff(segment.array("document_rows")) > 0)
    ]
    return SegmentState(
        segment,
        dead,
        gone,
        np.bincount(partitions[~gone], minlength=count),
        np.bincount(partitions[first_rows], minlength=count),
        np.empty(0, dtype=np.int64),
    )


class Base:
    """The rows of a generation in one state. It never changes. Safe to share between threads.

    Args:
        generation: The generation.
        states: Of its segments; None as it was written.
    """

    def __init__(
        self, generation: Generation, states: tuple[SegmentState, ...] | None = None
    ) -> None:
        self.generation = generation
        self.states = states or tuple(
            state_of_segment(segment, dead)
            for segment, dead in zip(generation.segments, generation.dead, strict=True)
        )
        self.end = generation.manifest.next_number
        self._with_rows = [state for state in self.states if len(state.segment)]
        self._firsts = [int(state.segment.numbers[0]) for state in self._with_rows]
        self._count = int(sum(state.rows.sum() for state in self.states))

    def __len__(self) -> int:
        return self._count

    def without(self, document_ids: Iterable[str]) -> "Base":
        """Returns the rows that are left without some documents; this, where it has none."""
        going: dict[int, set[int]] = {}
        for document_id in document_ids:
            found = self.find(document_id)
            if found is not None:
                going.setdefault(found[0], set()).add(found[1])
        if not going:
            return self
        states = (
            state.without(going[place]) if place in going else state
            for place, state in enumerate(self.states)
        )
        return Base(self.generation, tuple(states))

    def find(self, document_id: str) -> tuple[int, int] | None:
        """Returns the place of the segment and, in it, that of a document that is there."""
        hashed = hash_of(document_id)
        for place, state in enumerate(self.states):
            document = state.segment.find(document_id, hashed)
            if document is not None and not state.dead[document]:
                return place, document
        return None

    def mark(self, document_id: str) -> str | None:
        """Returns the mark of a document, None where it is not there."""
        found = self.find(document_id)
        return None if found is None else self.states[found[0]].segment.document(found[1])[1]

    def documents(self) -> Iterator[tuple[str, str]]:
        """Yields the ids and marks of the documents that are there."""
        for state in self.states:
            yield from state.segment.documents(state.dead)

    def rows_of(self, document_id: str) -> list[int]:
        """Returns the numbers of a document's rows, by ascending ordinals."""
        found = self.find(document_id)
        if found is None:
            return []
        segment = self.states[found[0]].segment
        numbers: list[int] = segment.numbers[segment.rows_of(found[1])].tolist()
        return numbers

    def number(self, document_id: str, ordinal: int) -> int | None:
        """Returns the number of a document's row."""
        found = self.find(document_id)
        if found is None:
            return None
        segment = self.states[found[0]].segment
        rows = segment.rows_of(found[1])
        ordinals = segment.array("ordinals")[rows]
        place = int(np.searchsorted(ordinals, ordinal))
        is_there = place < len(ordinals) and ordinals[place] == ordinal
        return int(segment.numbers[rows.start + place]) if is_there else None

    def row(self, number: int) -> Row:
        """Returns a row."""
        state, place = self._locate(number)
        return state.segment.row(place)

    def chunk_id(self, number: int) -> str:
        """Returns the id of a row's chunk."""
        state, place = self._locate(number)
        return state.segment.chunk_id(place)

    def has(self, number: int) -> bool:
        """Returns whether a row is there, which was when the generation was written."""
        state, place = self._locate(number)
        return not state.gone[place]

    @cached_property
    def gone(self) -> NDArray[np.int64]:
        """The ascending numbers of the rows that went since the generation was written: its words
        have them still."""
        parts = [state.since for state in self.states if len(state.since)]
        return np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)

    @cached_property
    def partitions(self) -> Mapping[str, Partition]:
        """The rows of each tenant that has any."""
        found: dict[str, dict[Acl, list[Numbers]]] = {}
        for state in self.states:
            for place, (tenant, acl) in enumerate(state.segment.facts.partitions):
                if state.rows[place]:
                    numbers = Numbers(
                        partial(_numbers, state, place),
                        int(state.documents[place]),
                        count=int(state.rows[place]),
                    )
                    found.setdefault(tenant, {}).setdefault(acl, []).append(numbers)
        return {
            tenant: Partition({acl: behind(parts) for acl, parts in by_acl.items()})
            for tenant, by_acl in found.items()
        }

    def seen(self) -> list[Seen]:
        """Returns the vectors."""
        return [
            Seen(state.segment, len(state.segment), state.gone if state.gone.any() else None)
            for state in self._with_rows
        ]

    def columns(self, numbers: NDArray[np.int64]) -> Iterator[Part]:
        """Yields the metadata of rows that are there, by their ascending numbers."""
        for state in self._with_rows:
            own = state.segment.numbers
            first, end = np.searchsorted(numbers, (own[0], own[-1] + 1))
            wanted = numbers[first:end]
            if len(wanted) == state.rows.sum():
                yield Part(state.segment.columns, ~state.gone)
            elif len(wanted) * _SPARSE >= len(own):
                is_wanted = np.zeros(len(own), dtype=np.bool_)
                is_wanted[np.searchsorted(own, wanted)] = True
                yield Part(state.segment.columns, is_wanted)
            elif len(wanted):
                rows = [state.segment.row(place) for place in np.searchsorted(own, wanted).tolist()]
                yield Part(Columns(wanted, rows))

    def _locate(self, number: int) -> tuple[SegmentState, int]:
        at = bisect_right(self._firsts, number) - 1
        if at >= 0:
            state = self._with_rows[at]
            place = int(state.segment.numbers.searchsorted(number))
            if place < len(state.segment) and state.segment.numbers[place] == number:
                return state, place
        raise KeyError(number)


def _numbers(state: SegmentState, partition: int) -> NDArray[np.int64]:
    rows = state.segment.partition(partition)
    return state.segment.numbers[rows[~state.gone[rows]]]


def behind(parts: list[Numbers]) -> Numbers:
    """Returns sets of rows, each of which begins where the one before it has ended, as one."""
    if len(parts) == 1:
        return parts[0]
    return Numbers(
        lambda: np.concatenate([part.ascending for part in parts]),
        sum(part.document_count for part in parts),
        count=sum(len(part) for part in parts),
    )
