"""A filter in words becomes one of the store's, or none."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from app.answering.self_query import SelfQuery, all_of, describe_fields, read_self_query, schema_of
from app.settings.live.release import FilterField

FIELDS = {
    "year": FilterField(kind="integer", description="Year in which the PEP was written."),
    "topic": FilterField(description="What it is about.", values=("typing", "packaging")),
    "final": FilterField(kind="boolean", description="Whether it was accepted."),
}


def condition(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


def written(*conditions: dict[str, Any], query: str = "protocols") -> str:
    return json.dumps({"query": query, "conditions": list(conditions)})


@pytest.mark.parametrize(
    ("conditions", "where"),
    [
        ([], None),
        ([condition("year", "equal", 2021)], {"year": 2021}),
        ([condition("topic", "not_equal", "typing")], {"topic": {"$ne": "typing"}}),
        ([condition("final", "equal", True)], {"final": True}),
        (
            [condition("year", "greater_or_equal", 2020), condition("year", "less", 2022)],
            {"$and": [{"year": {"$gte": 2020}}, {"year": {"$lt": 2022}}]},
        ),
    ],
)
def test_conditions_become_a_filter(conditions: list[dict[str, Any]], where: object) -> None:
    assert read_self_query(written(*conditions), FIELDS) == SelfQuery("protocols", where)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "told",
    [
        "",
        "no JSON",
        "[]",
        "null",
        '{"query": "x"}',
        '{"query": 1, "conditions": []}',
        '{"query": "x", "conditions": {}}'.replace("{}", '[{"field": "year"}]'),
        written("year > 2020"),  # type: ignore[arg-type]
        written(condition("author", "equal", "x")),
        written(condition("year", "like", 2021)),
        written(condition("year", "equal", "2021")),
        written(condition("year", "equal", True)),
        written(condition("year", "equal", [2021])),
        written(condition("topic", "equal", "cooking")),
        written(condition("topic", "less", "typing")),
        written(condition("final", "equal", 1)),
        written(*[condition("year", "equal", 2021)] * 6),
        written(query="x" * 501),
    ],
)
def test_anything_else_is_none(told: str) -> None:
    assert read_self_query(told, FIELDS) is None


def test_the_schema_allows_what_is_read_and_the_model_sees_the_fields() -> None:
    options = schema_of(FIELDS)["properties"]["conditions"]["items"]["anyOf"]
    allowed = {one["properties"]["field"]["const"]: one["properties"] for one in options}
    assert allowed.keys() == FIELDS.keys()
    assert "less" in allowed["year"]["operator"]["enum"]
    assert allowed["topic"] == {
        "field": {"const": "topic"},
        "operator": {"enum": ["equal", "not_equal"]},
        "value": {"enum": ["typing", "packaging"]},
    }
    shown = describe_fields(FIELDS).splitlines()
    assert shown[0] == "- year (integer): Year in which the PEP was written."
    assert shown[1].endswith('One of: "typing", "packaging".')


def test_filters_hold_together() -> None:
    assert all_of([None, {}]) is None
    assert all_of([{"a": 1}, None]) == {"a": 1}
    assert all_of([{"a": 1}, {"b": 2}]) == {"$and": [{"a": 1}, {"b": 2}]}


@pytest.mark.parametrize(("kind", "value"), [("integer", "1"), ("boolean", 1), ("string", 1)])
def test_values_of_another_kind_are_refused_in_the_settings(kind: Any, value: Any) -> None:
    with pytest.raises(ValidationError, match=kind):
        FilterField(kind=kind, description="x", values=(value,))
