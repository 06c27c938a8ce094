"""`/admin/keys`, `/admin/tenants` and `/v1/audit`: who may make what, and what is shown of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from tests.doubles import DoubleDirectory
from tests.unit.app.api.access.conftest import ADMIN, Closed
from tests.unit.app.conftest import LIVE


async def test_a_secret_is_told_once(closed: Closed, operator: httpx.AsyncClient) -> None:
    made = await closed.make_key(name="page", tenant="acme", limits={"requests_per_min": 600})
    assert made["secret"].startswith("rs_live_")
    shown = (await operator.get(f"/admin/keys/{made['id']}")).json()
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert shown["limits"]["requests_per_min"] == 600
    listed = (await operator.get("/admin/keys")).text
    assert made["id"] in listed
    assert made["secret"] not in listed


async def test_pages_of_keys(closed: Closed, operator: httpx.AsyncClient) -> None:
    made = {(await closed.make_key())["id"] for _ in range(5)}
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await operator.get("/admin/keys", params={"limit": 2, "after": after})).json()
        seen += [key["id"] for key in page["keys"]]
        after = page["next"]
    assert seen == sorted(made)


async def test_an_admin_rules_over_its_own_tenant_only(
    closed: Closed, operator: httpx.AsyncClient
) -> None:
    await operator.post("/admin/tenants", json={"id": "other"})
    foreign = await closed.make_key(tenant="other")
    admin = await closed.make_key(tenant="acme", scopes=["admin", "query"])
    async with closed.client(admin["secret"]) as client:
        own = await client.post("/admin/keys", json={"name": "own"})
        assert own.status_code == 201
        assert own.json()["tenant"] == "acme"
        assert own.json()["created_by"] == admin["id"]
        listed = (await client.get("/admin/keys")).json()["keys"]
        assert {key["id"] for key in listed} == {admin["id"], own.json()["id"]}
        assert (await client.get("/admin/keys?tenant=other")).json()["keys"] == []
        for method, path in (
            ("GET", f"/admin/keys/{foreign['id']}"),
            ("PATCH", f"/admin/keys/{foreign['id']}"),
            ("POST", f"/admin/keys/{foreign['id']}/rotate"),
            ("DELETE", f"/admin/keys/{foreign['id']}"),
        ):
            answer = await client.request(method, path, json={})
            assert (method, answer.status_code) == (method, 404)
        for body in ({"tenant": "other"}, {"scopes": ["ingest"]}, {"scopes": ["operator"]}):
            answer = await client.post("/admin/keys", json=body)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert (await client.get("/admin/tenants")).status_code == 403
        entries = (await client.get("/v1/audit")).json()["entries"]
    assert {entry["tenant"] for entry in entries} == {"acme"}


async def test_an_admin_gives_no_more_than_it_has_by_a_change(closed: Closed) -> None:
    admin = await closed.make_key(tenant="acme", scopes=["admin", "query"], groups=["legal"])
    async with closed.client(admin["secret"]) as client:
        own = (await client.post("/admin/keys", json={"groups": ["legal"]})).json()
        path = f"/admin/keys/{own['id']}"
        for change in (
            {"scopes": ["operator"]},
            {"unset": ["groups"]},
            {"groups": ["board"]},
        ):
            assert (await client.patch(path, json=change)).status_code == 422
        renamed = await client.patch(path, json={"name": "new"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "new")
    assert renamed.json()["groups"] == ["legal"]


async def test_a_change_holds_at_once(closed: Closed, operator: httpx.AsyncClient) -> None:
    key = await closed.make_key(scopes=["query"])
    async with closed.client(key["secret"]) as client:
        assert (await client.get("/v1/usage")).status_code == 403
        await operator.patch(f"/admin/keys/{key['id']}", json={"scopes": ["query", "usage"]})
        await closed.keyring.look()
        assert (await client.get("/v1/usage")).status_code == 404  # nobody counts usage here
        await operator.patch(
            f"/admin/keys/{key['id']}",
            json={"expires_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()},
        )
        shown = (await operator.get(f"/admin/keys/{key['id']}")).json()
    assert shown["expires_at"] is not None
    assert shown["scopes"] == ["query", "usage"]


async def test_both_secrets_hold_after_a_rotation(
    closed: Closed, operator: httpx.AsyncClient
) -> None:
    key = await closed.make_key()
    rotated = await operator.post(f"/admin/keys/{key['id']}/rotate", json={"keeps_s": 60})
    assert (rotated.status_code, rotated.json()["id"]) == (201, key["id"])
    await closed.keyring.look()
    for secret in (key["secret"], rotated.json()["secret"]):
        async with closed.client(secret) as client:
            assert (await client.get("/v1/models")).status_code == 200
    await operator.post(f"/admin/keys/{key['id']}/rotate", json={"keeps_s": 0})
    await closed.keyring.look()
    for secret in (key["secret"], rotated.json()["secret"]):
        async with closed.client(secret) as client:
            assert (await client.get("/v1/models")).status_code == 401


async def test_a_deleted_tenants_keys_open_nothing(
    closed: Closed, operator: httpx.AsyncClient
) -> None:
    key = await closed.make_key(tenant="acme")
    async with closed.client(key["secret"]) as client:
        assert (await client.get("/v1/models")).status_code == 200
        assert (await operator.delete("/admin/tenants/acme")).status_code == 200
        await closed.keyring.look()
        assert (await client.get("/v1/models")).status_code == 401
    assert (await operator.post("/admin/keys", json={"tenant": "acme"})).status_code == 404


async def test_the_log_is_shown_and_verified(closed: Closed, operator: httpx.AsyncClient) -> None:
    key = await closed.make_key(tenant="acme")
    entries = (await operator.get("/v1/audit")).json()["entries"]
    assert [(entry["action"], entry["object"]) for entry in entries] == [
        ("tenant.create", "acme"),
        ("key.create", key["id"]),
    ]
    assert {entry["actor"] for entry in entries} == {"operator"}
    verified = (await operator.get("/v1/audit/verification")).json()
    assert verified == {"intact": True, "entries": 2, "broken_at": None, "reason": ""}


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"tenant": "UPPER"},
        {"limits": {"requests_per_min": 0}},
        {"limits": {"request_per_min": 1}},
        {"budgets": {"day_usd": -1}},
    ],
    ids=str,
)
async def test_a_wrong_body_makes_no_key(operator: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await operator.post("/admin/keys", json=body)
    assert answer.status_code == 422
    assert (await operator.get("/admin/keys")).json()["keys"] == []


async def test_a_service_without_a_pepper_keeps_no_keys() -> None:
    args = GatewayArgs()
    app = create_app(
        make_gateway(Releases(DoubleDirectory(), lambda: LIVE), args, admin_key=ADMIN), args
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers=headers
    ) as client:
        answer = await client.get("/admin/keys")
    assert answer.status_code == 404
    assert "RAGSERVE_KEY_PEPPER" in answer.json()["detail"]


async def test_a_tenant_may_keep_conversations_for_a_shorter_time(
    operator: httpx.AsyncClient,
) -> None:
    wanted = {"id": "brief", "retention": {"conversation_days": 7}}
    made = await operator.post("/admin/tenants", json=wanted)
    assert made.status_code == 201, made.text
    assert made.json()["retention"] == {"conversation_days": 7}
    renamed = await operator.patch("/admin/tenants/brief", json={"name": "Brief"})
    assert renamed.json()["retention"] == {"conversation_days": 7}
    cleared = await operator.patch("/admin/tenants/brief", json={"retention": {}})
    assert cleared.json()["retention"] == {"conversation_days": None}
    refused = await operator.patch(
        "/admin/tenants/brief", json={"retention": {"conversation_days": 0}}
    )
    assert refused.status_code == 422


async def test_the_log_is_read_from_its_end_in_pages(operator: httpx.AsyncClient) -> None:
    for number in range(5):
        await operator.post("/admin/keys", json={"name": f"key {number}"})
    page = (await operator.get("/v1/audit?newest=true&limit=2&action=key.create")).json()
    assert len(page["entries"]) == 2
    numbers = [entry["number"] for entry in page["entries"]]
    assert numbers == sorted(numbers, reverse=True)
    assert page["next"] == numbers[-1]
    more = (await operator.get(f"/v1/audit?before={page['next']}&action=key.create")).json()
    assert all(entry["number"] < numbers[-1] for entry in more["entries"])
    assert len(more["entries"]) == 3
    assert more["next"] is None
    both = await operator.get("/v1/audit?before=3&after=1")
    assert both.status_code == 422
