"""What a client may ask of the form of an answer."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.schemas.sampling import StructuredOutputs


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(300)}},
        nested(20),
    ],
    ids=["wide", "deep"],
)
def test_a_usual_schema_is_taken(schema: dict[str, Any]) -> None:
    assert StructuredOutputs.model_validate({"json": schema}).json_ == schema


@pytest.mark.parametrize(
    "schema",
    [{"enum": [str(n) for n in range(5000)]}, nested(100)],
    ids=["wide", "deep"],
)
def test_one_without_a_bound_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="at most 2000 values on 32 levels"):
        StructuredOutputs.model_validate({"json": schema})
