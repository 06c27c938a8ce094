"""What happens before a route sees a request."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.application import create_app
from app.edge.middleware import edge_middlewares
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE


async def test_request_id_is_kept_made_and_returned_once(client: httpx.AsyncClient) -> None:
    kept = await client.get("/health/live", headers={"x-request-id": "abc-1"})
    assert kept.headers.get_list("x-request-id") == ["abc-1"]
    made = await client.get("/health/live")
    assert len(made.headers["x-request-id"]) == 32


@pytest.mark.parametrize("bad", ["a b", "x" * 129, "ü", 'a"b', "<script>"])
async def test_a_strange_request_id_is_replaced(client: httpx.AsyncClient, bad: str) -> None:
    response = await client.get("/health/live", headers={"x-request-id": bad.encode()})  # type: ignore[arg-type]
    assert response.headers["x-request-id"] != bad


async def test_the_edge_takes_away_serves_own_headers_and_a_second_request_id() -> None:
    async def echo(request: Request) -> JSONResponse:
        answer = JSONResponse(dict(request.headers))
        answer.headers.append("x-request-id", request.headers["x-request-id"])
        answer.headers.append("x-request-id", "a copy")
        return answer

    app = Starlette(routes=[Route("/", echo)], middleware=edge_middlewares())
    steering = {
        "X-Request-Timeout-Seconds": "0.001",
        "x-request-disconnect-disabled": "?1",
        "serve_multiplexed_model_id": "other",
        "accept": "application/json",
    }
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test"
    ) as client:
        response = await client.get("/", headers=steering)
    assert set(response.json()) & {name.lower() for name in steering} == {"accept"}
    assert response.headers.get_list("x-request-id") == [response.json()["x-request-id"]]


async def test_the_edge_turns_away_what_the_gateway_has_no_room_for(
    stages: DoubleDirectory,
) -> None:
    """Before Serve, and the application behind it, do anything for the request."""
    reached: list[str] = []

    async def behind(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(scope["path"])
        await JSONResponse({})(scope, receive, send)

    page = "https://chat.example.org"
    args = GatewayArgs(max_concurrent_requests=1, cors_origins=(page,))
    gateway = create_app(make_gateway(Releases(stages, lambda: LIVE), args), args)
    edge: ASGIApp = behind
    for middleware in reversed(edge_middlewares()):
        edge = middleware.cls(edge, *middleware.args, **middleware.kwargs)
    async with client_of(gateway) as inside, client_of(edge) as client:
        stages.embedder.holds = asyncio.Event()
        first = asyncio.create_task(inside.post("/v1/query", json={"query": "x"}))
        await stages.embedder.entered.wait()
        refused = await client.post("/v1/query", headers={"x-request-id": "mine", "origin": page})
        healthy = await client.get("/health/live")
        stages.embedder.holds.set()
        assert (await first).status_code == 200
        assert (await client.post("/v1/search")).status_code == 200
    assert refused.status_code == 503
    assert refused.json()["code"] == "overloaded"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["x-request-id"] == "mine"
    assert refused.headers["access-control-allow-origin"] == page
    assert healthy.status_code == 200
    assert reached == ["/health/live", "/v1/search"]


def client_of(app: ASGIApp) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://test")
