"""The statement that sums up usage, and what its rows mean."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Select, func, select

from deployments.activity import Dimension, Usage, UsageQuery, UsageRow
from deployments.ledger import tables
from deployments.ledger.records import plain

AMOUNTS = [field.name for field in fields(Usage)]
"""Columns of `tables.UsageRow` that are summed up; cost is the last one."""
_TABLE = tables.UsageRow
_COLUMNS: Mapping[Dimension, Any] = {
    "day": _TABLE.day,
    "tenant": _TABLE.tenant,
    "key": _TABLE.key_id,
    "release": _TABLE.release,
    "model": _TABLE.model,
    "prices": _TABLE.prices,
}
_SPLIT = 10**9
"""Costs are added in two parts: SQLite refuses sums of more than 64 bits: 9.2 million dollars."""


def sums_of(query: UsageQuery) -> Select[Any]:
    """Returns the statement: the groups in their order, the amounts, and the cost in two parts. It
    asks for one row more than the query allows."""
    groups = [_COLUMNS[name] for name in query.by]
    amounts = [func.sum(getattr(_TABLE, name)) for name in AMOUNTS[:-1]]
    cost = _TABLE.cost_picousd
    parts = [func.sum(cost // _SPLIT), func.sum(cost % _SPLIT)]
    wanted = select(*groups, *amounts, *parts)
    wanted = wanted.where(_TABLE.day.between(query.from_day, query.to_day))
    for column, value in (
        (_TABLE.tenant, query.tenant),
        (_TABLE.key_id, query.key_id),
        (_TABLE.release, query.release),
        (_TABLE.model, query.model),
    ):
        if value is not None:
            wanted = wanted.where(column == plain(value))
    if groups:
        wanted = wanted.group_by(*groups).order_by(*groups)
    return wanted.limit(query.limit + 1)


def usage_rows(query: UsageQuery, found: Sequence[Any]) -> list[UsageRow]:
    """Returns the rows of the statement; the sum of nothing is none."""
    width = len(query.by)
    return [
        UsageRow(dict(zip(query.by, row[:width], strict=True)), _usage(row[width:]))
        for row in found
        if row[-1] is not None
    ]


def _usage(sums: Sequence[Any]) -> Usage:
    *amounts, billions, rest = (int(value) for value in sums)
    cost = billions * _SPLIT + rest
    return Usage(**dict(zip(AMOUNTS, [*amounts, cost], strict=True)))
