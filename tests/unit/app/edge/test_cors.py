"""Pages of other sites: none may read answers until operators name it; OPTIONS always answers."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import ValidationError

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from app.telemetry.requests import Telemetry
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE

PAGE = "https://chat.example.org"
PREFLIGHT = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-stainless-lang",
}


@pytest.fixture
async def open_client() -> AsyncIterator[httpx.AsyncClient]:
    args = GatewayArgs(cors_origins=(PAGE,))
    releases = Releases(DoubleDirectory(), lambda: LIVE)
    app = create_app(make_gateway(releases, args, telemetry=Telemetry([])), args)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_a_page_that_is_named_may_ask_and_read(open_client: httpx.AsyncClient) -> None:
    asked = await open_client.options("/v1/chat/completions", headers=PREFLIGHT)
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == PAGE
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert "x-stainless-lang" in asked.headers["access-control-allow-headers"]
    response = await open_client.get("/v1/models", headers={"Origin": PAGE})
    assert response.headers["access-control-allow-origin"] == PAGE
    assert "X-Request-ID" in response.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in response.headers


async def test_it_may_send_files_as_well(open_client: httpx.AsyncClient) -> None:
    files = {"files": ("a.md", b"A note.")}
    sent = await open_client.post("/v1/documents", files=files, headers={"Origin": PAGE})
    assert sent.status_code == 200
    other = {"Origin": "https://other.example.org"}
    refused = await open_client.post("/v1/documents", files=files, headers=other)
    assert refused.status_code == 403


async def test_errors_can_be_read_too(open_client: httpx.AsyncClient) -> None:
    response = await open_client.post("/v1/query", json={}, headers={"Origin": PAGE})
    assert response.status_code == 422
    assert response.headers["access-control-allow-origin"] == PAGE


async def test_other_pages_may_not(open_client: httpx.AsyncClient) -> None:
    other = {**PREFLIGHT, "Origin": "https://other.example.org"}
    asked = await open_client.options("/v1/chat/completions", headers=other)
    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers


async def test_by_default_no_page_may(client: httpx.AsyncClient) -> None:
    asked = await client.options("/v1/chat/completions", headers=PREFLIGHT)
    assert (asked.status_code, asked.headers["allow"]) == (204, "POST, OPTIONS")
    read = await client.get("/v1/models", headers={"Origin": PAGE})
    for response in (asked, read):
        assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/documents", "GET, HEAD, POST, OPTIONS"),
        ("/v1/documents/a", "GET, HEAD, DELETE, OPTIONS"),
        ("/admin/traffic", "GET, HEAD, PUT, DELETE, OPTIONS"),
        ("/v1/models/a/b", "GET, HEAD, OPTIONS"),
    ],
)
async def test_options_says_what_a_path_takes(
    client: httpx.AsyncClient, path: str, methods: str
) -> None:
    asked = await client.options(path)
    assert (asked.status_code, asked.headers["allow"]) == (204, methods)
    wrong = await client.patch(path)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, methods)


async def test_options_of_nothing_is_404(client: httpx.AsyncClient) -> None:
    assert (await client.options("/nowhere")).status_code == 404


@pytest.mark.parametrize("origin", ["chat.example.org", "https://chat.example.org/", "https://"])
def test_what_no_browser_sends_as_an_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError):
        GatewayArgs(cors_origins=(origin,))
