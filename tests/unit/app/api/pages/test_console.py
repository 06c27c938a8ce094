"""`/console` is made of files of this installation, which run as they are under a strict policy."""

import re
from hashlib import sha256

import httpx
import pytest

from app.api.application import create_app
from app.api.pages.console import console_files
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE

_PREACT = "72284e8e9079c87817145df1110f74e8a2aa040b2fc384922e18dfcb46fc1fd7"
"""`preact/standalone.module.js` of htm 3.1.1, which has Preact inside."""
_MOST_BYTES = 150_000
OWN = {name: path for name, path in console_files().items() if not name.startswith("vendor/")}


async def test_the_page_asks_for_files_that_there_are(client: httpx.AsyncClient) -> None:
    page = await client.get("/console")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(addresses) >= 4
    for address in addresses:
        assert address.startswith("/console/")
        assert (await client.get(address)).status_code == 200, address
    assert (await client.get("/console/")).text == page.text


@pytest.mark.parametrize("name", sorted(name for name in OWN if name.endswith(".js")))
async def test_a_module_imports_modules_that_there_are(
    client: httpx.AsyncClient, name: str
) -> None:
    text = OWN[name].read_text(encoding="utf-8")
    imported = re.findall(r'(?:from|import\()\s*"(\.[^"]*)"', text)
    for address in imported:
        answer = await client.get(httpx.URL(f"http://t/console/{name}").join(address).path)
        assert answer.status_code == 200, address
        assert answer.headers["content-type"].startswith("text/javascript")


async def test_nothing_runs_or_styles_but_files(client: httpx.AsyncClient) -> None:
    page = await client.get("/console")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    assert re.findall(r"<script[^>]*>(.+?)</script>", page.text, re.DOTALL) == []
    for name, path in OWN.items():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'\s(style|on[a-z]+)="', text), name
        assert "innerHTML" not in text, name
        assert "eval(" not in text, name


def test_nothing_is_asked_of_other_hosts() -> None:
    for name, path in console_files().items():
        if name.endswith(".LICENSE"):
            continue
        addresses = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]+", path.read_text())
        assert [one for one in addresses if "w3.org" not in one] == [], name


def test_what_is_of_others_is_what_they_published() -> None:
    found = console_files()
    assert sha256(found["vendor/preact.js"].read_bytes()).hexdigest() == _PREACT
    assert "Apache License" in found["vendor/htm.LICENSE"].read_text()
    assert "MIT" in found["vendor/preact.LICENSE"].read_text()


def test_it_is_small() -> None:
    sizes = [path.stat().st_size for name, path in console_files().items() if "LICENSE" not in name]
    assert sum(sizes) < _MOST_BYTES


@pytest.mark.parametrize(
    "path",
    ["..%2f__init__.py", "../__init__.py", "%2e%2e/__init__.py", "vendor", "index.html", "none.js"],
)
async def test_nothing_else_of_the_installation_is_served(
    client: httpx.AsyncClient, path: str
) -> None:
    assert (await client.get(f"/console/{path}")).status_code == 404


async def test_it_can_be_turned_off(stages: DoubleDirectory) -> None:
    args = GatewayArgs(console=False)
    app = create_app(make_gateway(Releases(stages, lambda: LIVE), args), args)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test"
    ) as client:
        for path in ("/console", "/console/main.js"):
            assert (await client.get(path)).status_code == 404
