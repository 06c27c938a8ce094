"""Every route says who may use it; what says nothing is closed."""

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from app.access.route_scopes import (
    PUBLIC,
    RouteScopes,
    is_declared,
    need_of,
    needs,
    read_declarations,
)
from app.api.application import routed_app

ROUTES = [route for route in routed_app().routes if isinstance(route, APIRoute)]
ANYBODY = {
    *("/health/live", "/health/ready", "/healthz", "/readyz"),
    *("/", "/docs", "/docs/start.js", "/docs/{name}"),
    *("/console", "/console/{path:path}"),
}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.path} {route.name}")
def test_a_route_says_who_may_use_it(route: APIRoute) -> None:
    assert is_declared(route)


def test_what_anybody_may_read_is_a_short_list() -> None:
    assert {route.path for route in ROUTES if need_of(route) == "public"} == ANYBODY


def test_nothing_that_changes_documents_is_open_to_those_who_only_ask() -> None:
    changing = [
        route
        for route in ROUTES
        if route.path.startswith(("/v1/documents", "/v1/vector_stores"))
        and route.methods & {"POST", "DELETE"}
        and not route.path.endswith("/search")
    ]
    assert len(changing) > 5
    assert {need_of(route) for route in changing} == {frozenset({"ingest"})}


def test_what_is_for_operators() -> None:
    admin = {route.path: need_of(route) for route in ROUTES if route.path.startswith("/admin/")}
    keys = {path for path, need in admin.items() if need == frozenset({"admin"})}
    assert keys == {"/admin/keys", "/admin/keys/{key_id}", "/admin/keys/{key_id}/rotate"}
    assert {need for path, need in admin.items() if path not in keys} == {frozenset({"operator"})}


def routes_of(router: APIRouter) -> RouteScopes:
    read_declarations(router.routes)
    return RouteScopes(router.routes, public=["/openapi.json"])


def test_a_route_without_a_word_is_for_operators() -> None:
    router = APIRouter()

    @router.get("/forgotten")
    async def forgotten() -> None: ...

    assert routes_of(router).of("GET", "/forgotten") == {"operator"}


def test_a_route_says_more_than_its_router() -> None:
    router = APIRouter(dependencies=[needs("query")])

    @router.get("/read")
    async def read() -> None: ...

    @router.post("/read", dependencies=[needs("ingest")])
    async def write() -> None: ...

    @router.get("/one/{name:path}", dependencies=[PUBLIC])
    async def one(name: str) -> None: ...

    found = routes_of(router)
    assert found.of("GET", "/read") == found.of("HEAD", "/read") == {"query"}
    assert found.of("POST", "/read") == {"ingest"}
    assert found.of("GET", "/one/a/b") == found.of("GET", "/openapi.json") == "public"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nothing"), ("PUT", "/v1/query"), ("GET", "/v1/query/"), ("POST", "/docs")],
)
def test_where_there_is_nothing_some_key_is_needed(method: str, path: str) -> None:
    assert RouteScopes(ROUTES).of(method, path) == "any"
