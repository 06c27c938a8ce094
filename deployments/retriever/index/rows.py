"""The rows of one state of the index, and which of them somebody may see."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.documents import Chunk
from deployments.contracts.tenants import Access
from deployments.neighbours import neighbours_of
from deployments.retriever.disk.base import Base
from deployments.retriever.index.columns import Columns, Part
from deployments.retriever.index.row import Row
from deployments.retriever.tenancy.names import is_in_reach
from deployments.retriever.tenancy.partitions import NO_NUMBERS, Partition, joined, union
from deployments.retriever.tenancy.selection import Selection

BLOCK_NUMBERS = 512
"""Rows that are copied together when one of them changes, some 20 kB."""

_KEPT_SELECTIONS = 256
"""Callers whose selections are remembered, with the filters that they asked for."""


class Rows:
    """The rows that one state of the index has, by number; they never change.

    Args:
        blocks: The rows in blocks of neighbours: those with numbers from 0 on are under 0, those
            from `BLOCK_NUMBERS` on under 1, and so forth. Nobody else changes them.
        documents: The numbers of each document's rows, by ordinal.
        partitions: The rows of each tenant that has any.
        base: Rows of other documents, under numbers below; None for none.
    """

    def __init__(
        self,
        blocks: Mapping[int, Mapping[int, Row]],
        documents: Mapping[str, Mapping[int, int]],
        partitions: Mapping[str, Partition],
        base: Base | None = None,
    ) -> None:
        self._blocks = blocks
        self._documents = documents
        self._partitions = partitions
        self._base = base
        self._base_end = 0 if base is None else base.end
        self._count = sum(len(block) for block in blocks.values())
        self._count += 0 if base is None else len(base)
        self._selections: dict[Access, Selection] = {}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Row:
        if number < self._base_end and self._base is not None:
            return self._base.row(number)
        return self._blocks[number // BLOCK_NUMBERS][number]

    def chunk_id(self, number: int) -> str:
        """Returns the id of a row's chunk, for less than the row."""
        if number < self._base_end and self._base is not None:
            return self._base.chunk_id(number)
        return self[number].chunk_id

    def around(self, chunks: Sequence[Chunk], reach: int) -> tuple[Chunk, ...]:
        """Returns the chunks within reach of others that stand with them; see `neighbours_of`. They
        are of the same documents, so whoever may see the ones may see the others."""
        return neighbours_of(chunks, reach, self._read)

    def within(self, access: Access) -> Selection:
        """Returns the rows that somebody may see."""
        found = self._selections.get(access)
        if found is None:
            found = self._select(access)
            if len(self._selections) >= _KEPT_SELECTIONS:
                self._selections.clear()
            self._selections[access] = found
        return found

    def is_in_reach(self, access: Access, number: int) -> bool:
        """Returns whether somebody may see a row."""
        if not self.has(number):
            return False
        row = self[number]
        return is_in_reach(access, row.chunk_id, row.acl)

    def has(self, number: int) -> bool:
        """Returns whether a row is there, which was when it was given its number."""
        if number < self._base_end and self._base is not None:
            return self._base.has(number)
        return number in self._blocks.get(number // BLOCK_NUMBERS, ())

    def documents(self) -> Mapping[str, Mapping[int, int]]:
        """Returns the numbers of the rows of documents that the base does not have, by ordinal."""
        return self._documents

    def _select(self, access: Access) -> Selection:
        if access.all_tenants:
            return self._whole
        partition = self._partition(access.tenant)
        numbers = NO_NUMBERS if partition is None else partition.readable(access)
        if len(numbers) == len(self):
            return self._whole
        return Selection(numbers, lambda: self._columns(numbers.ascending), is_whole=False)

    def _partition(self, tenant: str) -> Partition | None:
        own = self._partitions.get(tenant)
        below = None if self._base is None else self._base.partitions.get(tenant)
        return joined(below, own) if below and own else below or own

    def _read(self, document_id: str, ordinal: int) -> Chunk | None:
        ordinals = self._documents.get(document_id)
        if ordinals is None and self._base is not None:
            number = self._base.number(document_id, ordinal)
        else:
            number = (ordinals or {}).get(ordinal)
        return None if number is None else self[number].chunk()

    def _columns(self, numbers: NDArray[np.int64]) -> list[Part]:
        """Returns the metadata of rows by their ascending numbers."""
        below = int(np.searchsorted(numbers, self._base_end))
        parts = [] if self._base is None else list(self._base.columns(numbers[:below]))
        above = numbers[below:]
        if len(above):
            parts.append(Part(Columns(above, [self[number] for number in above.tolist()])))
        return parts

    @cached_property
    def _whole(self) -> Selection:
        tenants = [*self._partitions.values()]
        tenants += [] if self._base is None else [*self._base.partitions.values()]
        numbers = union(partition.rows for partition in tenants)
        return Selection(numbers, lambda: self._columns(numbers.ascending), is_whole=True)
