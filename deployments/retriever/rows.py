"""The rows of one state of the index, and which of them pass a filter."""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.documents import Chunk
from deployments.contracts.search import Filter
from deployments.retriever.columns import Columns
from deployments.retriever.neighbours import neighbours_of
from deployments.retriever.row import Row
from deployments.retriever.where import Condition

BLOCK_NUMBERS = 512
"""Rows that are copied together when one of them changes, some 20 kB."""

_KEPT_FILTERS = 8
"""Filters whose rows are remembered; some 50 bytes for each row that passes."""


class Passing:
    """The numbers of the rows that pass a filter.

    Args:
        ascending: (n,) the numbers.
    """

    def __init__(self, ascending: NDArray[np.int64]) -> None:
        self.ascending = ascending

    @cached_property
    def numbers(self) -> frozenset[int]:
        """The same as a set."""
        return frozenset(self.ascending.tolist())


class Rows:
    """The rows that one state of the index has, by number; they never change.

    Args:
        blocks: The rows in blocks of neighbours: those with numbers from 0 on are under 0, those
            from `BLOCK_NUMBERS` on under 1, and so forth. Nobody else changes them.
        documents: The numbers of each document's rows, by ordinal.
    """

    def __init__(
        self,
        blocks: Mapping[int, Mapping[int, Row]],
        documents: Mapping[str, Mapping[int, int]],
    ) -> None:
        self._blocks = blocks
        self._documents = documents
        self._count = sum(len(block) for block in blocks.values())
        self._passing: dict[str, Passing] = {}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Row:
        return self._blocks[number // BLOCK_NUMBERS][number]

    def around(self, chunks: Sequence[Chunk], reach: int) -> tuple[Chunk, ...]:
        """Returns the chunks within reach of others that stand with them; see `neighbours_of`."""
        return neighbours_of(chunks, reach, self._read)

    def passing(self, where: Filter, condition: Condition) -> Passing:
        """Returns the rows that pass a filter; the next search with the same filter need not find
        them again."""
        key = json.dumps(where, sort_keys=True, default=str)
        passing = self._passing.get(key)
        if passing is None:
            passing = Passing(self._columns.numbers[condition.select(self._columns)])
            if len(self._passing) >= _KEPT_FILTERS:
                self._passing.clear()
            self._passing[key] = passing
        return passing

    def _read(self, document_id: str, ordinal: int) -> Chunk | None:
        number = self._documents.get(document_id, {}).get(ordinal)
        return None if number is None else self[number].chunk()

    @cached_property
    def _columns(self) -> Columns:
        # Numbers are given in ascending order, and within a block rows only go.
        blocks = [self._blocks[place] for place in sorted(self._blocks)]
        return Columns(
            [number for block in blocks for number in block],
            [row for block in blocks for row in block.values()],
        )
