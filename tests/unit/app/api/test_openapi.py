"""The description that machines read: it says what is sent."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

NO_PROBLEMS = {"get /health/ready 503"}
"""Says what is not ready, as with 200."""


@pytest.fixture
async def schema(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/openapi.json")).json()
    return found


def errors(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                if status >= "400":
                    yield f"{method} {path} {status}", response


async def test_every_error_has_the_media_type_that_is_sent(schema: dict[str, Any]) -> None:
    found = [error for error in errors(schema) if error[0] not in NO_PROBLEMS]
    assert len(found) > 100
    for name, response in found:
        ((media_type, body),) = response["content"].items()
        assert media_type == "application/problem+json", name
        assert body["schema"] == {"$ref": "#/components/schemas/Problem"}, name


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


async def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in schema["components"]["schemas"]}
    assert set(references(schema)) <= known
