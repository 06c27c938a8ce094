"""What `/openapi.json` says beyond what FastAPI reads off the routes: who needs a key, examples,
headers of answers, what each error looks like. Clients are made of it, so it says what is sent."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.access.route_scopes import need_of
from app.api.description.examples import DETAILS, EXAMPLES
from app.edge.visit import IGNORED_HEADER
from app.problems import STATUS_OF_CODE, problem_body
from app.schemas.batches import CreateBatch
from app.schemas.wire import RELEASE_HEADER, Problem, problem_responses
from deployments.indexer.json_documents import DocumentsRequest

CONTACT = {"name": "The operators of this service"}
LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
SERVERS = [{"url": "/", "description": "The service that this document comes from"}]
TAGS = [
    {"name": "answers", "description": "Questions, answered from the documents or only looked up."},
    {"name": "chat", "description": "Chat and completions, in OpenAI's form."},
    {"name": "conversations", "description": "Conversations that are kept for their owner."},
    {"name": "feedback", "description": "What people say of answers."},
    {"name": "models", "description": "The stages on their own: embeddings, reranking, names."},
    {"name": "documents", "description": "What is in the index."},
    {"name": "files", "description": "The same as files and a vector store, in OpenAI's form."},
    {"name": "batches", "description": "Many requests in one file, answered in the background."},
    {"name": "usage", "description": "What was used, and what it cost."},
    {"name": "admin", "description": "Rollouts, traffic, calibration and drift, for operators."},
    {"name": "health", "description": "Whether the service answers."},
]
_REFS = "#/components/schemas/{model}"
_PROBLEM = "application/problem+json"
_BEARER = "bearer"
_API_KEY = "apiKey"
_ALWAYS_NEEDS_KEY = frozenset({"operator", "admin", "usage"})
"""Scopes that nobody has without a key, even where none is asked for."""
_RELEASED = ("query", "search_chunks", "ask", "chat_completions", "completions")
"""Operations whose answers say which release gave them."""
_HEADERS: Mapping[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "Id of the request: the client's own, where it sent a plain one.",
        "schema": {"type": "string"},
        "example": "3f2a9c0d5b7e41f08a6c2d9e1b3f4a5c",
    },
    "Server-Timing": {
        "description": "Milliseconds of the request, and of each stage there was.",
        "schema": {"type": "string"},
        "example": "total;dur=52.7, embedder;dur=14.2",
    },
    "traceparent": {
        "description": "Names the trace of the request (W3C Trace Context).",
        "schema": {"type": "string"},
        "example": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    },
    RELEASE_HEADER: {
        "description": "The release that answered.",
        "schema": {"type": "string"},
        "example": "minilm-extractive",
    },
    IGNORED_HEADER: {
        "description": "Fields of the request that nothing here knows, with commas between them.",
        "schema": {"type": "string"},
        "example": "messages.0.mood, chat_id",
    },
    "Retry-After": {
        "description": "Seconds after which a repetition is worth it.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    },
    "WWW-Authenticate": {
        "description": "How to send a key.",
        "schema": {"type": "string"},
        "example": "Bearer",
    },
}
_CODES = {500: "internal", 503: "overloaded"}
"""Of statuses that several codes have."""
_ALWAYS = ("X-Request-ID", "Server-Timing", "traceparent")
_OF_STATUS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


def describe(app: FastAPI) -> None:
    """Has an application describe itself in full."""
    build: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = build()
            components = document.setdefault("components", {})
            schemas = components.setdefault("schemas", {})
            for model in (DocumentsRequest, CreateBatch, Problem):
                _add_schema(schemas, model)
            components["securitySchemes"] = _schemes()
            components["headers"] = dict(_HEADERS)
            components["responses"] = {
                f"Problem{status}": _problem_response(status) for status in DETAILS
            }
            for route, operation in _operations(app, document):
                _complete(route, operation)
                _name_bodies(operation, schemas)
            _drop_object_defaults(schemas)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def operation_id(route: APIRoute) -> str:
    """Returns what a generated client calls an operation: the name of its function."""
    return route.name


def _schemes() -> dict[str, dict[str, str]]:
    return {
        _BEARER: {
            "type": "http",
            "scheme": "bearer",
            "description": "A key of the service, `rs_live_...`, the operators' key, or a token of "
            "an identity provider that the service is set to. A service on one machine may be open:"
            " then any string does, and tells callers apart.",
        },
        _API_KEY: {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "The same key, for clients that cannot set `Authorization`.",
        },
    }


def _add_schema(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    """Adds what no route names as its type: a body that comes in two media types, and errors."""
    own = model.model_json_schema(ref_template=_REFS)
    schemas.update(own.pop("$defs", {}))
    schemas[model.__name__] = own


def _name_bodies(operation: Mapping[str, Any], schemas: dict[str, Any]) -> None:
    """Gives the forms of a body a name: generators make up names for those without one, and lose
    them where a body comes in two media types."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        if schema.get("type") == "object" and "title" in schema:
            schemas[schema["title"]] = schema
            content["schema"] = {"$ref": _REFS.format(model=schema["title"])}


def _drop_object_defaults(place: object) -> None:
    """Takes out defaults that are objects or lists: generators of clients
    copy them into code that does not compile."""
    if isinstance(place, dict):
        properties = place.get("properties")
        for described in properties.values() if isinstance(properties, dict) else ():
            if isinstance(described, dict) and isinstance(described.get("default"), dict | list):
                del described["default"]
        for inner in place.values():
            _drop_object_defaults(inner)
    elif isinstance(place, list):
        for inner in place:
            _drop_object_defaults(inner)


def _operations(
    app: FastAPI, document: Mapping[str, Any]
) -> Iterator[tuple[APIRoute, dict[str, Any]]]:
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods:
                yield route, document["paths"][route.path_format][method.lower()]


def _complete(route: APIRoute, operation: dict[str, Any]) -> None:
    asks = set(_dependencies(route.dependant))
    operation["security"] = _security(route)
    if examples := EXAMPLES.get(route.name):
        content = operation["requestBody"]["content"]["application/json"]
        content["examples"] = {
            name: {"summary": name.capitalize(), "value": value} for name, value in examples.items()
        }
    for status, response in operation["responses"].items():
        if _PROBLEM in response.get("content", {}):
            operation["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}
            continue
        released = status == "200" and route.name in _RELEASED
        names = [*_ALWAYS, *([RELEASE_HEADER] if released else [])]
        if any(getattr(one, "is_tolerant", False) for one in asks):
            names.append(IGNORED_HEADER)
        response["headers"] = _headers(*names)


def _security(route: APIRoute) -> list[dict[str, list[str]]]:
    """Returns the ways to send a key; the first is none at all where an open service asks for
    none."""
    need = need_of(route)
    if need == "public":
        return []
    ways: list[dict[str, list[str]]] = [{_BEARER: []}, {_API_KEY: []}]
    return ways if isinstance(need, frozenset) and need <= _ALWAYS_NEEDS_KEY else [{}, *ways]


def _headers(*names: str) -> dict[str, dict[str, str]]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _problem_response(status: int) -> dict[str, Any]:
    """Returns what is sent with the status of an error, the same for every path."""
    (response,) = (said for named, said in problem_responses(status).items() if named == status)
    content = {**response["content"][_PROBLEM], "examples": {"problem": _example(status)}}
    headers = _headers(*_ALWAYS, *_OF_STATUS.get(status, ()))
    return {**response, "headers": headers, "content": {_PROBLEM: content}}


def _dependencies(dependant: Dependant) -> Iterator[object]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _dependencies(dependency)


def _example(status: int) -> dict[str, object]:
    """Returns a problem as one is sent with a status."""
    code = _CODES.get(status) or next(
        code for code, (named, _) in STATUS_OF_CODE.items() if named == status
    )
    detail, errors = DETAILS[status]
    request_id = _HEADERS["X-Request-ID"]["example"]
    problem = problem_body(code, detail, request_id=request_id, instance="/v1/query", errors=errors)
    return {"summary": problem["title"], "value": problem}
