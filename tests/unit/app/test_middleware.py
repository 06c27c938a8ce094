"""What happens before a route sees a request."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.middleware import edge_middlewares


async def test_request_id_is_kept_made_and_returned_once(client: httpx.AsyncClient) -> None:
    kept = await client.get("/health/live", headers={"x-request-id": "abc-1"})
    assert kept.headers.get_list("x-request-id") == ["abc-1"]
    made = await client.get("/health/live")
    assert len(made.headers["x-request-id"]) == 32


@pytest.mark.parametrize("bad", ["a b", "x" * 129, "ü", 'a"b', "<script>"])
async def test_a_strange_request_id_is_replaced(client: httpx.AsyncClient, bad: str) -> None:
    response = await client.get("/health/live", headers={"x-request-id": bad.encode()})
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
