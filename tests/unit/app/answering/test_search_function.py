"""The search as a function that a language model calls: its form, and what it asks for."""

import json
from typing import Any

import pytest

from app.answering.question import Question
from app.answering.search_function import SEARCH, asked_by, search_function
from app.settings.live.release import FilterField, Release
from deployments.contracts.tools import ToolCall

RELEASE = Release(retrieval="r", generator=("g",), top_n=4)
YEAR = {"year": FilterField(kind="integer", description="Year of the document.")}


def call(arguments: str) -> ToolCall:
    return ToolCall("c", SEARCH, arguments)


def test_the_function_has_conditions_where_the_release_describes_fields() -> None:
    assert "conditions" not in search_function(RELEASE).parameters["properties"]  # type: ignore[operator]
    described: Any = search_function(RELEASE.model_copy(update={"filter_fields": YEAR})).parameters
    assert "Year of the document." in described["properties"]["conditions"]["description"]


def test_the_filter_of_the_client_holds_beside_that_of_the_model() -> None:
    release = RELEASE.model_copy(update={"filter_fields": YEAR})
    question = Question("q", where={"area": "eu"}, top_n=2)
    condition = {"field": "year", "operator": "greater", "value": 2020}
    told = json.dumps({"query": " tides ", "top_n": 9, "conditions": [condition]})
    asked = asked_by(call(told), question, release)
    assert (asked.text, asked.top_n, asked.is_written) == ("tides", 2, True)
    assert asked.where == {"area": "eu"}
    assert asked.conditions == {"year": {"$gt": 2020}}


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"query": 7}',
        '{"query": " "}',
        '{"query": "a", "conditions": [{"field": "secret"}]}',
        '{"query": "a", "conditions": "all"}',
    ],
)
def test_arguments_that_are_none_are_told_to_the_model(arguments: str) -> None:
    release = RELEASE.model_copy(update={"filter_fields": YEAR})
    with pytest.raises(ValueError, match="arguments|query|conditions"):
        asked_by(call(arguments), Question("q"), release)


def test_a_number_of_passages_stays_within_bounds() -> None:
    for told, expected in ((0, 1), (3, 3), (99, 4), (True, 4), ("2", 4), (None, 4)):
        arguments = json.dumps({"query": "a", "top_n": told})
        assert asked_by(call(arguments), Question("q"), RELEASE).top_n == expected
