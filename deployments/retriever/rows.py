"""The rows of one state of the index, and which of them somebody may see."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from deployments.contracts.documents import Chunk
from deployments.contracts.tenants import Access
from deployments.retriever.neighbours import neighbours_of
from deployments.retriever.row import Row
from deployments.retriever.tenancy.names import is_in_reach
from deployments.retriever.tenancy.partitions import NO_NUMBERS, Partition, union
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
    """

    def __init__(
        self,
        blocks: Mapping[int, Mapping[int, Row]],
        documents: Mapping[str, Mapping[int, int]],
        partitions: Mapping[str, Partition],
    ) -> None:
        self._blocks = blocks
        self._documents = documents
        self._partitions = partitions
        self._count = sum(len(block) for block in blocks.values())
        self._selections: dict[Access, Selection] = {}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Row:
        return self._blocks[number // BLOCK_NUMBERS][number]

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
        row = self[number]
        return is_in_reach(access, row.chunk_id, row.acl)

    def _select(self, access: Access) -> Selection:
        if access.all_tenants:
            return self._whole
        partition = self._partitions.get(access.tenant)
        numbers = NO_NUMBERS if partition is None else partition.readable(access)
        if len(numbers) == len(self):
            return self._whole

        def read() -> list[Row]:
            return [self[number] for number in numbers.ascending.tolist()]

        return Selection(numbers, read, is_whole=False)

    def _read(self, document_id: str, ordinal: int) -> Chunk | None:
        number = self._documents.get(document_id, {}).get(ordinal)
        return None if number is None else self[number].chunk()

    @cached_property
    def _whole(self) -> Selection:
        def read() -> list[Row]:
            # Numbers are given in ascending order, and within a block rows only go.
            blocks = (self._blocks[place] for place in sorted(self._blocks))
            return [row for block in blocks for row in block.values()]

        numbers = union(partition.rows for partition in self._partitions.values())
        return Selection(numbers, read, is_whole=True)
