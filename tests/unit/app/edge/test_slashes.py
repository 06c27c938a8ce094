"""A slash at the end of a path changes nothing, and loses no body."""

import httpx
import pytest


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models"),
        ("GET", "/health/live"),
        ("GET", "/v1/models/ragserve"),
        ("GET", "/docs"),
    ],
)
async def test_it_is_the_path_without_it(client: httpx.AsyncClient, method: str, path: str) -> None:
    for ending in ("/", "//"):
        response = await client.request(method, path + ending)
        assert response.status_code == 200


async def test_the_body_comes_along(loaded: httpx.AsyncClient) -> None:
    response = await loaded.post("/v1/search/", json={"query": "Paris"})
    assert response.json()["results"]


async def test_what_is_not_there_stays_so(client: httpx.AsyncClient) -> None:
    assert (await client.get("/nowhere/")).status_code == 404
