"""Chroma's `where` language over a chunk's metadata, for an index that Chroma does not search.

What a filter means is what Chroma 1.5 makes of it: text, truth values and numbers are three kinds
that never equal each other, and a chunk without the key passes `$ne` and `$nin`. A number in a
filter takes the kind of the number it is held against: to an integer, 2.5 is 2.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.search import Filter

Fields = Mapping[str, object]
"""The metadata of a chunk as the store keeps it, its own keys included."""

Matches = Callable[[Fields], bool]

_TEXT_KEYS = frozenset({"#document", "chroma:document"})
"""What Chroma calls the text of a chunk; the second is how it keeps it."""

_MAX_INT = 2**63 - 1
"""The store counts in 64 bits."""

_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter that is ready to be asked: `matches` decides on one chunk, `keys` are the fields
    that its answer depends on."""

    matches: Matches
    keys: frozenset[str]


def compile_where(where: Filter) -> Condition | None:
    """Returns the filter as a condition, None where it asks for the text of a chunk, which
    metadata cannot tell.

    Raises:
        InvalidRequest: No filter of Chroma's; some that Chroma refuses are let through.
    """
    keys: set[str] = set()
    matches = _expression(where, keys)
    return None if keys & _TEXT_KEYS else Condition(matches, frozenset(keys))


def _expression(where: object, keys: set[str]) -> Matches:
    if not isinstance(where, Mapping) or len(where) != 1:
        raise _invalid()
    [(key, value)] = where.items()
    if key in ("$and", "$or"):
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise _invalid()
        parts = [_expression(part, keys) for part in value]
        decide = all if key == "$and" else any
        return lambda fields: decide(part(fields) for part in parts)
    if not isinstance(key, str) or key.startswith("$") or not _is_text(key):
        raise _invalid()
    keys.add(key)
    if not isinstance(value, Mapping):
        return _comparison(key, "$eq", value)
    if len(value) != 1:
        raise _invalid()
    [(name, operand)] = value.items()
    return _comparison(key, name, operand)


def _comparison(key: str, name: object, operand: object) -> Matches:
    if name in ("$eq", "$ne"):
        return _membership(key, [operand], is_wanted=name == "$eq")
    if name in ("$in", "$nin"):
        if not isinstance(operand, Sequence) or isinstance(operand, str):
            raise _invalid()
        return _membership(key, operand, is_wanted=name == "$in")
    if name in ("$contains", "$not_contains"):
        # It looks into lists, and no metadata of ours is one.
        passes = name == "$not_contains"
        return lambda fields: passes
    if name in _ORDERS and isinstance(operand, int | float) and not isinstance(operand, bool):
        return _order(key, _ORDERS[str(name)], operand)
    raise _invalid()


def _order(key: str, order: Callable[[float, float], bool], bound: object) -> Matches:
    by_kind = dict(_kinds(bound))

    def is_in_order(fields: Fields) -> bool:
        value: Any = fields.get(key)
        return type(value) in by_kind and order(value, by_kind[type(value)])

    return is_in_order


def _membership(key: str, operands: Sequence[object], *, is_wanted: bool) -> Matches:
    listed = frozenset(kind for operand in operands for kind in _kinds(operand))

    def is_member(fields: Fields) -> bool:
        value = fields.get(key)
        return ((type(value), value) in listed) == is_wanted

    return is_member


def _kinds(operand: object) -> list[tuple[type, Any]]:
    """Returns the kinds of values that the operand may equal, and what it is in each."""
    if isinstance(operand, bool) or (isinstance(operand, str) and _is_text(operand)):
        return [(type(operand), operand)]
    if not isinstance(operand, int | float):
        raise _invalid()
    try:
        as_float = float(operand)
        as_int = min(max(int(operand), -_MAX_INT - 1), _MAX_INT)
    except (OverflowError, ValueError):
        raise _invalid() from None
    return [(int, as_int), (float, as_float)]


def _is_text(value: str) -> bool:
    """Returns whether the store could be told of it: lone surrogates are no characters."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _invalid() -> InvalidRequest:
    return InvalidRequest("The store does not understand the filter.", "retriever")
