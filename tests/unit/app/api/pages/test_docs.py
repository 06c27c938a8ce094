"""`/docs` opens without the internet, and under a policy that runs no script of the page itself."""

import re

import httpx
import pytest


async def test_it_loads_from_this_service_alone(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href|data-document)="([^"]*)"', page.text)
    assert len(addresses) == 5
    for address in addresses:
        assert address.startswith("/"), address
        assert (await client.get(address)).status_code == 200, address


async def test_no_script_stands_in_the_page(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert re.findall(r"<script[^>]*>(.+?)</script>", page.text) == []
    assert not re.search(r"\son[a-z]+=", page.text)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("swagger-ui-bundle.js", "text/javascript"),
        ("start.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
        ("favicon.png", "image/png"),
    ],
)
async def test_files_say_what_they_are(
    client: httpx.AsyncClient, name: str, media_type: str
) -> None:
    """Browsers are told not to guess."""
    response = await client.get(f"/docs/{name}")
    assert response.headers["content-type"].partition(";")[0] == media_type


async def test_nothing_else_of_the_installation_is_served(client: httpx.AsyncClient) -> None:
    for name in ("redoc.standalone.js", "..%2fcore.py", "__init__.py"):
        assert (await client.get(f"/docs/{name}")).status_code == 404


async def test_the_root_leads_there(client: httpx.AsyncClient) -> None:
    response = await client.get("/")
    assert (response.status_code, response.headers["location"]) == (307, "/docs")
