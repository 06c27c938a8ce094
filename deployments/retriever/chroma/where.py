"""Filters as Chroma has to be sent them so that it selects what they say.

Chroma 1.5 holds a number of a filter against an integer after it has cut it to one: 2.5 is 2. So a
fraction is sent with the integers beside it, which mean the same to both kinds of numbers. Ids of
documents are sent as the index calls them.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from deployments.contracts.search import Filter
from deployments.contracts.tenants import Access
from deployments.retriever.tenancy.names import stored_id


def where_for_chroma(where: Filter, access: Access) -> dict[str, Any]:
    """Returns a filter that Chroma answers as `where` answers the given one, for somebody's
    documents."""
    parts = [_condition(key, value, access) for key, value in where.items()]
    return parts[0] if len(parts) == 1 else dict(where)


def _condition(key: str, value: object, access: Access) -> dict[str, Any]:
    if key in ("$and", "$or") and isinstance(value, Sequence) and not isinstance(value, str):
        return {
            key: [where_for_chroma(part, access) if _is_filter(part) else part for part in value]
        }
    if isinstance(value, Mapping) and len(value) != 1:
        return {key: value}
    [(name, operand)] = value.items() if isinstance(value, Mapping) else [("$eq", value)]
    return _comparison(key, name, _stored(operand, access) if key == "document_id" else operand)


def _stored(operand: object, access: Access) -> object:
    """Returns what ids in a filter are called in the index."""
    if isinstance(operand, str):
        return stored_id(access, operand)
    if isinstance(operand, list | tuple):
        return [_stored(one, access) for one in operand]
    return operand


def _comparison(key: str, name: str, operand: Any) -> dict[str, Any]:
    if name in ("$in", "$nin") and isinstance(operand, list | tuple):
        fractions = [one for one in operand if _is_fraction(one)]
        if not fractions:
            return {key: {name: operand}}
        join, single = ("$or", "$eq") if name == "$in" else ("$and", "$ne")
        others = [one for one in operand if not _is_fraction(one)]
        parts = [_comparison(key, single, one) for one in fractions]
        parts += [{key: {name: others}}] if others else []
        return parts[0] if len(parts) == 1 else {join: parts}
    if not _is_fraction(operand):
        return {key: {name: operand}}
    return _held_against_fraction(key, name, operand)


def _held_against_fraction(key: str, name: str, operand: float) -> dict[str, Any]:
    below, above, cut = math.floor(operand), math.ceil(operand), math.trunc(operand)

    def both(join: str, one: tuple[str, float], other: tuple[str, float]) -> dict[str, Any]:
        return {join: [{key: {name: number}} for name, number in (one, other)]}

    match name:
        case "$eq":
            return both("$and", (name, operand), ("$ne", cut))
        case "$ne":
            return both("$or", (name, operand), ("$eq", cut))
        case "$lt" | "$lte":
            fractions = both("$and", (name, operand), ("$lt", above))
            return {"$or": [{key: {"$lte": below}}, fractions]}
        case "$gt" | "$gte":
            fractions = both("$and", (name, operand), ("$gt", below))
            return {"$or": [{key: {"$gte": above}}, fractions]}
        case _:
            return {key: {name: operand}}


def _is_fraction(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value) and not value.is_integer()


def _is_filter(part: object) -> bool:
    return isinstance(part, Mapping) and all(isinstance(key, str) for key in part)
