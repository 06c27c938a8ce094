"""What is said of fields that were refused: the client's own names for them, and the reason."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deployments.contracts.field_errors import field_errors, invalid_fields

Text = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]
    text: Text


class Request(BaseModel):
    content: Text | list[Part]
    count: int = 1


def told(body: Any) -> list[tuple[object, object]]:
    with pytest.raises(ValidationError) as refused:
        Request.model_validate(body)
    errors = [{**error, "loc": ("body", *error["loc"])} for error in refused.value.errors()]
    return [(found["field"], found["message"]) for found in field_errors(errors, body)]


def test_fields_have_the_names_that_the_client_wrote() -> None:
    assert told({"content": [{"type": "image", "url": "x"}]}) == [
        ("content.0.type", "Input should be 'text'"),
        ("content.0.text", "it is missing"),
        ("content.0.url", "there is no such field"),
    ]


def test_a_value_of_no_form_is_named_once() -> None:
    assert [field for field, _ in told({"content": 7})] == ["content"]


def test_fields_beside_each_other_are_all_named() -> None:
    assert [field for field, _ in told({"content": "", "count": "x"})] == ["content", "count"]


def test_what_is_missing_is_named() -> None:
    assert told({}) == [("content", "it is missing")]


def test_a_body_that_is_no_object_is_the_body() -> None:
    assert [field for field, _ in told([1])] == ["body"]


def test_the_sentence_has_the_reasons() -> None:
    with pytest.raises(ValidationError) as refused:
        Request.model_validate({"content": "ok", "count": "x"})
    error = invalid_fields(refused.value.errors(), {"content": "ok", "count": "x"})
    assert "count (input should be a valid integer" in str(error)


def test_a_field_of_the_query_keeps_its_place() -> None:
    error = {"loc": ("query", "to"), "msg": "Bad.", "type": "value_error"}
    assert field_errors([error], None)[0]["field"] == "query.to"
