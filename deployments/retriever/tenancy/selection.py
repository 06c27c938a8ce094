"""The rows that a search may look at, and which of them pass its filter."""

import json
from collections.abc import Callable, Sequence
from functools import cached_property

from deployments.contracts.search import Filter
from deployments.retriever.columns import Columns
from deployments.retriever.row import Row
from deployments.retriever.tenancy.partitions import Numbers
from deployments.retriever.where import Condition

_KEPT_FILTERS = 8
"""Filters whose rows are remembered; some 50 bytes for each row that passes."""

_FEW_ROWS = 4_096
"""A search by words among so few looks nowhere else. Among more, the best texts of all are likely
to have enough of them."""


class Selection:
    """Rows of one state of the index, all of which somebody may see.

    Args:
        numbers: Which they are.
        read: Returns the rows themselves, in the same order.
        is_whole: Whether they are all that the index has.
    """

    def __init__(
        self, numbers: Numbers, read: Callable[[], Sequence[Row]], *, is_whole: bool
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
            passing = Numbers(self._columns.numbers[condition.select(self._columns)])
            if len(self._passing) >= _KEPT_FILTERS:
                self._passing.clear()
            self._passing[key] = passing
        return passing

    @cached_property
    def _columns(self) -> Columns:
        return Columns(self.numbers.ascending, self._read())
