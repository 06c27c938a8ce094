"""Requests that a web page of somebody else may have sent are refused."""

from collections.abc import Sequence

import httpx
import pytest
from starlette.datastructures import Headers

from app.edge.origin import check_form, check_host
from deployments.contracts.errors import Forbidden

MULTIPART = "multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    "host",
    [
        *("localhost:8000", "127.0.0.1:8000", "[::1]:8000", "10.0.0.7", "ragserve-svc:8000", ""),
        *("ragserve.default.svc.cluster.local:8000", "rag.localhost", "rag.internal."),
    ],
)
def test_names_that_nobody_can_register_are_ours(host: str) -> None:
    check_host(Headers({"host": host} if host else {}), ())


@pytest.mark.parametrize(
    "host", ["rag.example.org", "127.0.0.1.example.org", "localhost.example.org:8000", "a.b@c.d"]
)
def test_other_names_are_refused_with_the_remedy(host: str) -> None:
    with pytest.raises(Forbidden, match="allowed_hosts"):
        check_host(Headers({"host": host}), ("rag.example.net",))


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("RAG.example.org:443", ["rag.example.org"]),
        ("eu.rag.example.org", ["*.example.org"]),
        ("anything.example.org", ["*"]),
    ],
)
def test_names_that_operators_added_are_ours(host: str, allowed: Sequence[str]) -> None:
    check_host(Headers({"host": host}), allowed)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://page.example.org"},
        {"origin": "null"},
        {"origin": "http://localhost:3000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("kind", [MULTIPART, "text/plain", "application/x-www-form-urlencoded", ""])
def test_a_form_of_another_site_is_refused(headers: dict[str, str], kind: str) -> None:
    own = {"host": "localhost:8000", **({"content-type": kind} if kind else {})}
    with pytest.raises(Forbidden, match="another site"):
        check_form("POST", Headers({**own, **headers}))


@pytest.mark.parametrize(
    "headers",
    [
        {},  # curl
        {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"},  # a page of ours
        {"origin": "https://page.example.org", "x-ragserve-request": "1"},
    ],
)
def test_a_form_of_a_program_or_of_our_own_pages_is_taken(headers: dict[str, str]) -> None:
    check_form("POST", Headers({"host": "localhost:8000", "content-type": MULTIPART, **headers}))


def test_json_needs_no_check() -> None:
    """A page may send it to another site only when that site says so, and ours does not."""
    own = {"host": "localhost:8000", "content-type": "application/json"}
    check_form("POST", Headers({**own, "origin": "https://page.example.org"}))


async def test_a_page_of_another_site_cannot_write(client: httpx.AsyncClient) -> None:
    files = {"files": ("a.md", b"A poisoned note.")}
    origin = {"Origin": "https://page.example.org"}
    refused = await client.post("/v1/documents", files=files, headers=origin)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    listed = await client.get("/v1/documents")
    assert listed.json()["documents"] == []


async def test_a_foreign_name_reads_nothing_and_probes_still_work(
    client: httpx.AsyncClient,
) -> None:
    foreign = {"Host": "page.example.org"}
    assert (await client.get("/v1/documents", headers=foreign)).status_code == 403
    assert (await client.get("/health/live", headers=foreign)).status_code == 200


async def test_answers_are_private_and_no_browser_guesses_what_they_are(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/health/live", "/v1/documents", "/nowhere"):
        answer = await client.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
