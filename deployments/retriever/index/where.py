"""Chroma's `where` language over a chunk's metadata, for an index that Chroma does not search.

What a filter means is what Chroma 1.5 makes of it: text, truth values and numbers are three kinds
that never equal each other, and a chunk without the key passes `$ne` and `$nin`. Numbers are held
against each other by what they are worth, integers and fractions alike; Chroma cuts a fraction to
an integer where an integer is stored, so that it is sent filters that avoid it, see
`where_for_chroma`.
"""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.filters import check_whole_filter
from deployments.contracts.search import Filter
from deployments.retriever.index.columns import Columns, Kind

Fields = Mapping[str, object]
"""The metadata of a chunk as the store keeps it, its own keys included."""

Mask = NDArray[np.bool_]
"""(n,) one for each of n rows."""

_TEXT_KEYS = frozenset({"#document", "chroma:document"})
"""What Chroma calls the text of a chunk; the second is how it keeps it."""

_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


class Condition(ABC):
    """A filter that is ready to be asked."""

    @abstractmethod
    def matches(self, fields: Fields) -> bool:
        """Returns whether a chunk passes."""

    @abstractmethod
    def select(self, columns: Columns) -> Mask:
        """Returns which rows pass: what a condition compares is held once against each value that
        there is, however many rows have it."""

    @property
    @abstractmethod
    def keys(self) -> frozenset[str]:
        """The fields that the answer depends on."""


@dataclass(frozen=True, slots=True)
class _Member(Condition):
    """Whether a field has one of some values, or none of them."""

    key: str
    listed: frozenset[Kind]
    is_wanted: bool

    def matches(self, fields: Fields) -> bool:
        value = fields.get(self.key)
        return ((type(value), value) in self.listed) == self.is_wanted

    def select(self, columns: Columns) -> Mask:
        column = columns.column(self.key)
        is_listed = np.zeros(len(column.values), dtype=np.bool_)
        places = (column.values.get(kind) for kind in self.listed)
        is_listed[[place for place in places if place is not None]] = True
        return np.asarray((is_listed == self.is_wanted)[column.codes])

    @property
    def keys(self) -> frozenset[str]:
        return frozenset({self.key})


@dataclass(frozen=True, slots=True)
class _Ordered(Condition):
    """Whether a field is a number on one side of another."""

    key: str
    order: Callable[[float, float], bool]
    bound: float

    def matches(self, fields: Fields) -> bool:
        value = fields.get(self.key)
        return self._passes(type(value), value)

    def select(self, columns: Columns) -> Mask:
        column = columns.column(self.key)
        passes = (self._passes(kind, value) for kind, value in column.values)
        return np.fromiter(passes, dtype=np.bool_, count=len(column.values))[column.codes]

    @property
    def keys(self) -> frozenset[str]:
        return frozenset({self.key})

    def _passes(self, kind: type, value: Any) -> bool:
        return kind in (int, float) and self.order(value, self.bound)


@dataclass(frozen=True, slots=True)
class _Fixed(Condition):
    """The same for every chunk, although it names a field."""

    key: str
    passes: bool

    def matches(self, fields: Fields) -> bool:
        return self.passes

    def select(self, columns: Columns) -> Mask:
        return np.full(len(columns.numbers), self.passes)

    @property
    def keys(self) -> frozenset[str]:
        return frozenset({self.key})


@dataclass(frozen=True, slots=True)
class _Joined(Condition):
    """Whether all parts pass, or any."""

    parts: tuple[Condition, ...]
    needs_all: bool

    def matches(self, fields: Fields) -> bool:
        return (all if self.needs_all else any)(part.matches(fields) for part in self.parts)

    def select(self, columns: Columns) -> Mask:
        mask = np.full(len(columns.numbers), self.needs_all)
        for part in self.parts:
            if self.needs_all:
                mask &= part.select(columns)
            else:
                mask |= part.select(columns)
        return mask

    @property
    def keys(self) -> frozenset[str]:
        return frozenset[str]().union(*(part.keys for part in self.parts))


def compile_where(where: Filter) -> Condition | None:
    """Returns the filter as a condition, None where it asks for the text of a chunk, which
    metadata cannot tell.

    Raises:
        InvalidRequest: No filter of Chroma's, or a larger one than may be; some that Chroma refuses
            are let through.
    """
    check_whole_filter(where)
    condition = _expression(where)
    return None if condition.keys & _TEXT_KEYS else condition


def _expression(where: object) -> Condition:
    if not isinstance(where, Mapping) or len(where) != 1:
        raise _invalid()
    [(key, value)] = where.items()
    if key in ("$and", "$or"):
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise _invalid()
        needs_all = key == "$and"
        parts = tuple(_merged([_expression(part) for part in value], needs_all=needs_all))
        return parts[0] if len(parts) == 1 else _Joined(parts, needs_all)
    if not isinstance(key, str) or key.startswith("$") or not _is_text(key):
        raise _invalid()
    if not isinstance(value, Mapping):
        return _comparison(key, "$eq", value)
    if len(value) != 1:
        raise _invalid()
    [(name, operand)] = value.items()
    return _comparison(key, name, operand)


def _merged(parts: Sequence[Condition], *, needs_all: bool) -> Iterator[Condition]:
    """Yields what means the same with fewer parts: of one field, "this or that" is a list of wanted
    values, and "neither this nor that" one of unwanted ones."""
    lists: dict[str, frozenset[Kind]] = {}
    for part in parts:
        if isinstance(part, _Member) and part.is_wanted != needs_all:
            lists[part.key] = lists.get(part.key, frozenset()) | part.listed
        else:
            yield part
    for key, listed in lists.items():
        yield _Member(key, listed, is_wanted=not needs_all)


def _comparison(key: str, name: object, operand: object) -> Condition:
    if name in ("$eq", "$ne"):
        return _member(key, [operand], is_wanted=name == "$eq")
    if name in ("$in", "$nin"):
        if not isinstance(operand, Sequence) or isinstance(operand, str):
            raise _invalid()
        return _member(key, operand, is_wanted=name == "$in")
    if name in ("$contains", "$not_contains"):
        # It looks into lists, and no metadata of ours is one.
        return _Fixed(key, name == "$not_contains")
    if name in _ORDERS and isinstance(operand, int | float) and not isinstance(operand, bool):
        _kinds(operand)  # refuses what is no number
        return _Ordered(key, _ORDERS[str(name)], operand)
    raise _invalid()


def _member(key: str, operands: Sequence[object], *, is_wanted: bool) -> _Member:
    listed = frozenset(kind for operand in operands for kind in _kinds(operand))
    return _Member(key, listed, is_wanted)


def _kinds(operand: object) -> list[Kind]:
    """Returns the kinds of values that the operand may equal, and what it is in each."""
    if isinstance(operand, bool) or (isinstance(operand, str) and _is_text(operand)):
        return [(type(operand), operand)]
    if not isinstance(operand, int | float):
        raise _invalid()
    try:
        as_float, as_int = float(operand), int(operand)
    except (OverflowError, ValueError):
        raise _invalid() from None
    return [(kind, one) for kind, one in ((int, as_int), (float, as_float)) if one == operand]


def _is_text(value: str) -> bool:
    """Returns whether the store could be told of it: lone surrogates are no characters."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _invalid() -> InvalidRequest:
    return InvalidRequest("The store does not understand the filter.", "retriever")
