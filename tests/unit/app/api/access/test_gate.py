"""The first thing that is asked of a request: who sends it, before its body is read."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from app.access.route_scopes import need_of
from deployments.access.secrets import new_key
from tests.unit.app.api.access.conftest import ADMIN, Closed

QUESTION = {"query": "What is the capital of France?"}


async def test_nobody_is_answered_without_a_key(closed: Closed) -> None:
    async with closed.client() as nobody:
        answer = await nobody.post("/v1/query", json=QUESTION)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthorized"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
async def test_no_path_answers_without_a_key_but_the_open_ones(closed: Closed, method: str) -> None:
    """Also where there is nothing: whoever has no key learns nothing of what there is."""
    paths = {"/nothing"}
    for route in closed.app.routes:
        if isinstance(route, APIRoute) and need_of(route) != "public":
            paths.add(route.path.replace("{", "").replace("}", "").replace(":path", ""))
    async with closed.client() as nobody:
        answers = {path: await nobody.request(method, path) for path in sorted(paths)}
    assert {path: one.status_code for path, one in answers.items() if one.status_code != 401} == {}


@pytest.mark.parametrize("path", ["/health/live", "/docs", "/openapi.json", "/docs/start.js"])
async def test_health_and_description_are_for_everybody(closed: Closed, path: str) -> None:
    async with closed.client() as nobody:
        assert (await nobody.get(path)).status_code == 200


async def test_a_key_opens_its_scopes_and_nothing_else(closed: Closed) -> None:
    key = await closed.make_key(scopes=["query"], tenant="acme")
    async with closed.client(key["secret"]) as asker:
        assert (await asker.post("/v1/search", json=QUESTION)).status_code == 200
        for method, path in (
            ("POST", "/v1/documents"),
            ("DELETE", "/v1/documents/doc_1"),
            ("GET", "/v1/usage"),
            ("GET", "/admin/keys"),
            ("GET", "/v1/audit"),
            ("PUT", "/admin/traffic"),
            ("POST", "/v1/vector_stores/vs_default/files"),
        ):
            answer = await asker.request(method, path, json={})
            assert (path, answer.status_code) == (path, 403)
            assert "scope" in answer.json()["detail"]
        answer = await asker.post(
            "/v1/search", json=QUESTION, headers={"X-Ragserve-Release": "llm"}
        )
        assert answer.status_code == 403


async def test_either_header_has_the_key(closed: Closed) -> None:
    key = await closed.make_key()
    async with closed.client() as client:
        answer = await client.post(
            "/v1/search", json=QUESTION, headers={"X-API-Key": key["secret"]}
        )
    assert answer.status_code == 200


async def test_the_body_of_a_stranger_is_not_read(closed: Closed) -> None:
    read = 0
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/documents",
        "raw_path": b"/v1/documents",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"test"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await closed.app(scope, receive, send)
    assert (sent[0]["status"], read) == (401, 0)


async def test_a_revoked_key_opens_nothing_after_the_next_look(closed: Closed) -> None:
    key = await closed.make_key()
    async with closed.client(key["secret"]) as client, closed.client(ADMIN) as operator:
        assert (await client.get("/v1/models")).status_code == 200
        assert (await operator.delete(f"/admin/keys/{key['id']}")).status_code == 200
        await closed.keyring.look()
        answer = await client.get("/v1/models")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


async def test_what_is_told_of_a_request_names_key_and_tenant(closed: Closed) -> None:
    key = await closed.make_key(tenant="acme")
    closed.heard.requests.clear()
    async with closed.client(key["secret"]) as client:
        await client.post("/v1/search", json=QUESTION)
    (request,) = closed.heard.requests
    notes = request.notes
    assert (notes.tenant, notes.key_id, notes.usage_key) == ("acme", key["id"], key["id"])


async def test_a_key_may_be_bound_to_releases(closed: Closed) -> None:
    bound = await closed.make_key(releases=["llm"])
    chat = {"messages": [{"role": "user", "content": "Hello?"}]}
    async with closed.client(bound["secret"]) as client:
        by_default = await client.post("/v1/search", json=QUESTION)
        named = await client.post("/v1/chat/completions", json={**chat, "model": "ragserve:one"})
        allowed = await client.post("/v1/chat/completions", json={**chat, "model": "ragserve:llm"})
    assert by_default.headers["x-ragserve-release"] == "llm"
    assert (named.status_code, named.json()["code"]) == (404, "model_not_found")
    assert allowed.status_code == 200
    stray = await closed.make_key(releases=["gone"])
    async with closed.client(stray["secret"]) as client:
        assert (await client.post("/v1/search", json=QUESTION)).status_code == 403


async def test_no_answer_says_the_key(closed: Closed) -> None:
    """Errors of every kind, with a key that was good, one that never was, and one that is no
    key."""
    key = await closed.make_key()
    async with closed.client(ADMIN) as operator:
        await operator.delete(f"/admin/keys/{key['id']}")
    await closed.keyring.look()
    for secret in (key["secret"], new_key(), key["secret"][:-1] + "!", ADMIN + "x"):
        async with closed.client(secret) as client:
            answers: list[httpx.Response] = [
                await client.get("/v1/usage"),
                await client.post("/v1/query", content=b"{", headers={"content-type": "text/x"}),
                await client.get(f"/v1/documents/{'a' * 300}"),
                await client.delete("/admin/keys/key_x"),
            ]
        for answer in answers:
            assert answer.status_code == 401
            assert secret not in answer.text + str(answer.headers)
