"""The description that machines read: it says what is sent."""

import difflib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from app.api.application import routed_app
from app.api.description.document import document
from app.api.description.examples import EXAMPLES
from app.schemas.batches import CreateBatch
from app.schemas.wire import Problem
from deployments.indexer.json_documents import DocumentsRequest

NO_PROBLEMS = {"get /health/ready 503"}
"""Says what is not ready, as with 200."""
COMMITTED = Path(__file__).parents[5] / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return routed_app().openapi()


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def resolved(schema: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    found: Any = value
    if "$ref" in value:
        found = schema
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
    return dict(found)


def errors(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for method, path, operation in operations(schema):
        for status, response in operation["responses"].items():
            if status >= "400":
                yield f"{method} {path} {status}", resolved(schema, response)


async def test_a_service_sends_it(client: httpx.AsyncClient, schema: dict[str, Any]) -> None:
    assert (await client.get("/openapi.json")).json() == schema


def test_the_committed_one_is_that_of_the_code() -> None:
    committed = COMMITTED.read_text(encoding="utf-8")
    changed = difflib.unified_diff(
        committed.splitlines(), document().splitlines(), "docs/openapi.json", "the code", n=2
    )
    assert "\n".join(changed) == "", "run: make openapi"


def test_every_error_has_the_media_type_that_is_sent(schema: dict[str, Any]) -> None:
    found = [error for error in errors(schema) if error[0] not in NO_PROBLEMS]
    assert len(found) > 100
    for name, response in found:
        ((media_type, body),) = response["content"].items()
        assert media_type == "application/problem+json", name
        assert body["schema"] == {"$ref": "#/components/schemas/Problem"}, name


def test_every_error_shows_what_it_looks_like(schema: dict[str, Any]) -> None:
    for name, response in errors(schema):
        if name not in NO_PROBLEMS:
            example = response["content"]["application/problem+json"]["examples"]["problem"]
            problem = Problem.model_validate(example["value"])
            assert problem.status == int(name.rpartition(" ")[2])


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_reference_leads_somewhere_and_every_component_is_used(
    schema: dict[str, Any],
) -> None:
    known = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses", "headers")
        for name in schema["components"][kind]
    }
    assert set(references(schema)) == known


def test_operations_have_short_names_of_their_own(schema: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(schema)]
    assert len(set(names)) == len(names)
    assert {"query", "ask", "chat_completions", "add_documents", "list_releases"} <= set(names)


def test_whoever_needs_a_key_is_told(schema: dict[str, Any]) -> None:
    for method, path, operation in operations(schema):
        needed = path.startswith(("/admin", "/v1/audit", "/v1/users")) or path == "/v1/usage"
        needed |= path.startswith("/v1/feedback") and method == "get"
        assert (operation.get("security") == [{"bearer": []}, {"apiKey": []}]) is needed, path
    asking = schema["paths"]["/v1/query"]["post"]["security"]
    assert asking == [{}, {"bearer": []}, {"apiKey": []}]
    assert schema["paths"]["/health/live"]["get"]["security"] == []


def test_every_body_has_an_example_that_is_accepted() -> None:
    seen = set()
    for route in routed_app().routes:
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        if not route.methods & {"POST", "PUT", "PATCH"}:
            continue
        if route.name == "upload_file":  # a form
            continue
        if route.name in ("cancel_batch", "cancel_ingestion", "erase"):  # they have no body
            continue
        model: Any = {"add_documents": DocumentsRequest, "create_batch": CreateBatch}.get(
            route.name
        )
        if model is None:
            assert route.body_field is not None
            model = route.body_field.field_info.annotation
        for example in EXAMPLES[route.name].values():
            TypeAdapter(model).validate_json(json.dumps(example))
        seen.add(route.name)
    assert seen == set(EXAMPLES)


def test_tags_are_declared(schema: dict[str, Any]) -> None:
    used = {tag for _, _, operation in operations(schema) for tag in operation["tags"]}
    assert used == {tag["name"] for tag in schema["tags"]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/query", {"query": "Where is Paris?", "mood": 1}),
        ("/ask", {"question": "Where is Paris?", "mood": 1}),
    ],
)
async def test_the_headers_that_it_names_are_sent(
    loaded: httpx.AsyncClient, schema: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    response = await loaded.post(path, json=body)
    assert response.status_code == 200
    named = schema["paths"][path]["post"]["responses"]["200"]["headers"]
    assert [name for name in named if name not in response.headers] == []
    refused = await loaded.post(path, json={})
    named = resolved(schema, schema["paths"][path]["post"]["responses"]["422"])["headers"]
    assert [name for name in named if name not in refused.headers] == []


def test_no_default_is_an_object_beside_null(schema: dict[str, Any]) -> None:
    """Generators of clients refuse one, and leave the whole model out."""
    for model in schema["components"]["schemas"].values():
        for name, field in model.get("properties", {}).items():
            assert not ("anyOf" in field and isinstance(field.get("default"), dict)), name


def test_generators_find_a_name_for_every_body_and_no_default_that_is_no_literal(
    schema: dict[str, Any],
) -> None:
    for method, path, operation in operations(schema):
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            form = content["schema"]
            assert form.get("type") != "object", f"{method} {path} {media}"

    def defaults(place: Any) -> Iterator[Any]:
        if isinstance(place, dict):
            yield from (one["default"] for one in [place] if "default" in one)
            for inner in place.values():
                yield from defaults(inner)

    assert not [one for one in defaults(schema["components"]) if isinstance(one, dict | list)]


def test_nothing_is_described_as_null_alone(schema: dict[str, Any]) -> None:
    """Generators know no such type."""
    for name, described in schema["components"]["schemas"].items():
        for field, form in described.get("properties", {}).items():
            assert form.get("type") != "null", f"{name}.{field}"
