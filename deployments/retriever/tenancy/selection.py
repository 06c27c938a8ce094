"""The rows that a search may look at, and which of them pass its filter."""

import json
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.search import Filter
from deployments.retriever.index.columns import Part
from deployments.retriever.index.where import Condition
from deployments.retriever.tenancy.partitions import NO_NUMBERS, Numbers

_KEPT_FILTERS = 8
"""Filters whose rows are remembered; some 50 bytes for each row that passes."""

_FEW_ROWS = 4_096
"""A search by words among so few looks nowhere else. Among more, the best texts of all are likely
to have enough of them."""


class Selection:
    """Rows of one state of the index, all of which somebody may see.

    Args:
        numbers: Which they are.
        read: Returns their metadata, in the same order.
        is_whole: Whether they are all that the index has.
    """

    def __init__(
        self, numbers: Numbers, read: Callable[[], Sequence[Part]], *, is_whole: bool
    ) -> None:
        self.numbers = numbers
        self.is_whole = is_whole
        self._read = read
        self._passing: dict[str, Numbers] = {}

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def is_small(self) -> bool:
        """Whether a search by words does best to look at nothing else."""
        return len(self) <= _FEW_ROWS and not self.is_whole

    def passing(self, where: Filter, condition: Condition) -> Numbers:
        """Returns the rows that pass a filter; the next search with the same filter need not find
        them again."""
        key = json.dumps(where, sort_keys=True, default=str)
        passing = self._passing.get(key)
        if passing is None:
            parts = [_passing(part, condition) for part in self._parts]
            passing = Numbers(np.concatenate(parts) if parts else NO_NUMBERS.ascending)
            if len(self._passing) >= _KEPT_FILTERS:
                self._passing.clear()
            self._passing[key] = passing
        return passing

    @cached_property
    def _parts(self) -> Sequence[Part]:
        return self._read()


def _passing(part: Part, condition: Condition) -> NDArray[np.int64]:
    mask = condition.select(part.columns)
    return part.columns.numbers[mask if part.among is None else mask & part.among]
