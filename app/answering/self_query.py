"""A filter in words, as a language model finds it in a question: what it may write, and what that
means to the store.

It may name only fields that the release describes, each with values of its own kind; anything else
is no filter at all.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.settings.live.release import FilterField
from deployments.contracts.search import Filter

_OPERATORS: Mapping[str, str] = {
    "equal": "$eq",
    "not_equal": "$ne",
    "less": "$lt",
    "less_or_equal": "$lte",
    "greater": "$gt",
    "greater_or_equal": "$gte",
}
_ORDERED = ("integer", "number")
"""Kinds of values that are before or after each other."""
_MAX_CONDITIONS = 5
_MAX_QUERY_CHARS = 500


@dataclass(frozen=True, slots=True)
class SelfQuery:
    """A question taken apart: `where` is None where it asks for no filter."""

    query: str
    where: Filter | None


def describe_fields(fields: Mapping[str, FilterField]) -> str:
    """Returns the fields as the model reads them, one on each line."""
    return "\n".join(_described(name, field) for name, field in fields.items())


def schema_of(fields: Mapping[str, FilterField]) -> dict[str, Any]:
    """Returns the JSON schema of what the model may write."""
    return {
        "type": "object",
        "properties": {
            "query": {"type": "string"},
            "conditions": {
                "type": "array",
                "maxItems": _MAX_CONDITIONS,
                "items": {"anyOf": [_condition_schema(*field) for field in fields.items()]},
            },
        },
        "required": ["query", "conditions"],
        "additionalProperties": False,
    }


def read_self_query(written: str, fields: Mapping[str, FilterField]) -> SelfQuery | None:
    """Returns what the model wrote, None where it is not what it was asked for."""
    try:
        told = json.loads(written)
        query, conditions = told["query"], told["conditions"]
        parts = [_condition(condition, fields) for condition in conditions]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(query, str) or len(query) > _MAX_QUERY_CHARS or len(parts) > _MAX_CONDITIONS:
        return None
    return SelfQuery(query.strip(), all_of(parts))


def read_conditions(told: object, fields: Mapping[str, FilterField]) -> Filter | None:
    """Returns the filter that a model's conditions are; raises ValueError where they are none."""
    if not isinstance(told, list) or len(told) > _MAX_CONDITIONS:
        raise ValueError("no list of conditions")
    try:
        return all_of([_condition(condition, fields) for condition in told])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no condition") from error


def all_of(filters: Sequence[Filter | None]) -> Filter | None:
    """Returns the filter that passes what all of them pass; None is no filter."""
    given = [one for one in filters if one]
    if len(given) > 1:
        return {"$and": given}
    return given[0] if given else None


def _described(name: str, field: FilterField) -> str:
    values = f" One of: {', '.join(map(json.dumps, field.values))}." if field.values else ""
    return f"- {name} ({field.kind}): {field.description}{values}"


def _operators(field: FilterField) -> list[str]:
    return list(_OPERATORS) if field.kind in _ORDERED else ["equal", "not_equal"]


def _condition_schema(name: str, field: FilterField) -> dict[str, Any]:
    value = {"enum": list(field.values)} if field.values else {"type": field.kind}
    return {
        "type": "object",
        "properties": {
            "field": {"const": name},
            "operator": {"enum": _operators(field)},
            "value": value,
        },
        "required": ["field", "operator", "value"],
        "additionalProperties": False,
    }


def _condition(told: Mapping[str, Any], fields: Mapping[str, FilterField]) -> Filter:
    field, value = fields[told["field"]], told["value"]
    if told["operator"] not in _operators(field) or not field.takes(value):
        raise ValueError(told["operator"])
    if told["operator"] == "equal":
        return {told["field"]: value}
    return {told["field"]: {_OPERATORS[told["operator"]]: value}}
