"""The metadata of all rows by field, so that a filter looks at each value of a field once.

Fields of documents have few values for many chunks. A column is made when it is first asked for;
of 100,000 rows that takes some 20 ms, and 0.4 MB are kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployments.retriever.index.row import CHUNK_KEYS, Row

Kind = tuple[type, Any]
"""A value with its type: 1, 1.0 and True are three."""

_KEPT_COLUMNS = 16
"""Columns that are remembered."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field of n rows: `codes` is (n,) int32, the place of each row's value in `values`; a row
    without the field has the value None."""

    codes: NDArray[np.int32]
    values: Mapping[Kind, int]


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the rows that columns have; all, where it is not said which."""

    columns: "Columns"
    among: NDArray[np.bool_] | None = None


class Columns:
    """The columns of rows that never change. Safe to share between threads.

    Args:
        numbers: The numbers of the rows, ascending.
        rows: The rows, in the same order.
    """

    def __init__(self, numbers: Sequence[int] | NDArray[np.int64], rows: Sequence[Row]) -> None:
        self.numbers: NDArray[np.int64] = np.asarray(numbers, dtype=np.int64)
        self._rows = rows
        self._columns: dict[str, Column] = {}

    def column(self, key: str) -> Column:
        """Returns the column of a field."""
        column = self._columns.get(key)
        if column is None:
            column = self._chunks(key) if key in CHUNK_KEYS else self._documents(key)
            if len(self._columns) >= _KEPT_COLUMNS:
                self._columns.clear()
            self._columns[key] = column
        return column

    def _chunks(self, key: str) -> Column:
        read: Callable[[Row], object] = _READERS[key]
        codes, values = coded([read(row) for row in self._rows])
        return Column(codes, values)

    def _documents(self, key: str) -> Column:
        shared, places = self._shared
        codes, values = coded([fields.get(key) for fields in shared])
        return Column(codes[places], values)

    @cached_property
    def _shared(self) -> tuple[list[Mapping[str, Any]], NDArray[np.int32]]:
        """The mappings that rows share, and the place of each row's among them."""
        known: dict[int, int] = {}
        places = [known.setdefault(id(row.shared), len(known)) for row in self._rows]
        shared = {id(row.shared): row.shared for row in self._rows}
        return [shared[key] for key in known], np.array(places, dtype=np.int32)


_READERS: Mapping[str, Callable[[Row], object]] = {
    "ordinal": lambda row: row.ordinal,
    "heading": lambda row: row.heading,
    "page": lambda row: row.page,
}


def coded(values: Sequence[object]) -> tuple[NDArray[np.int32], dict[Kind, int]]:
    """Returns the values as a column has them: the code of each, and the codes of all."""
    known: dict[Kind, int] = {}
    codes = [known.setdefault((type(value), value), len(known)) for value in values]
    return np.array(codes, dtype=np.int32), known
