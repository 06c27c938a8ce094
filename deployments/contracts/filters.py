"""How large a filter may be. A filter is a program that a client writes and every chunk is held
against, so its size is bounded before any stage is asked."""

from collections.abc import Mapping

from deployments.contracts.errors import InvalidRequest

MAX_CONDITIONS = 128
"""Comparisons of a client's filter."""

MAX_DEPTH = 8
"""Levels of a client's filter, each `$and` and `$or` one, and the comparison the last."""

MAX_VALUES = 10_000
"""Values in all lists of a client's filter: a list is looked up, and costs little more than a
value."""

_RESERVED = frozenset({"tenant", "acl"})
_RESERVED_PREFIX = "ragserve:"

_ADDED = 2
"""A filter that a model wrote may be added to the client's, below one more level."""


def check_filter(where: object) -> None:
    """Raises InvalidRequest for a client's filter that is larger than the bounds, or asks whose a
    document is: that is decided by who asks."""
    _check(where, conditions=MAX_CONDITIONS, depth=MAX_DEPTH, values=MAX_VALUES)


def is_reserved_key(key: object) -> bool:
    """Returns whether a key of metadata says whose a document is and who may read it, so that no
    client may write it or filter by it."""
    return key in _RESERVED or (isinstance(key, str) and key.startswith(_RESERVED_PREFIX))


def check_whole_filter(where: object) -> None:
    """Raises InvalidRequest for a filter that is larger than any that a client and a model can make
    together."""
    _check(
        where,
        conditions=_ADDED * MAX_CONDITIONS,
        depth=MAX_DEPTH + _ADDED,
        values=_ADDED * MAX_VALUES,
    )


def _check(where: object, *, conditions: int, depth: int, values: int) -> None:
    """Walks level by level, and never further than the bounds."""
    level: list[object] = [where]
    compared = listed = 0
    for _ in range(depth):
        below: list[object] = []
        for part in level:
            for key, value in part.items() if isinstance(part, Mapping) else ():
                if key in ("$and", "$or") and isinstance(value, list | tuple):
                    below += value
                    continue
                if is_reserved_key(key):
                    raise InvalidRequest(f"A filter cannot ask for '{str(key)[:64]}'.")
                compared += 1
                operands = value.values() if isinstance(value, Mapping) else (value,)
                listed += sum(
                    len(operand) for operand in operands if isinstance(operand, list | tuple)
                )
            if compared > conditions or len(below) > conditions:
                raise InvalidRequest(
                    f"A filter may have {conditions} conditions at most; `$in` takes many values "
                    "of one field as one condition."
                )
            if listed > values:
                raise InvalidRequest(f"The lists of a filter may have {values} values at most.")
        level = below
        if not level:
            return
    raise InvalidRequest(f"A filter may be {depth} levels deep at most.")
