"""Tenants with equal ids, titles and texts, and groups within one of them, over every route."""

import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

pytest.importorskip("tantivy", reason="the library of the lexical index is not installed")

from app.operations.erase import erase_tenant
from app.request.principal import Principal
from app.request.scope import RequestScope
from app.settings.cold.gateway import GatewayArgs
from benchmarks.isolation_study.fuzz import Fuzz
from benchmarks.isolation_study.party import Party, closed_id
from deployments.contracts.tenants import Access
from deployments.retriever import follower
from deployments.retriever.chroma import change_log
from tests.unit.app.conftest import LIVE

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    from tests.tenants import TenantService

REQUESTS = 160
PRINCIPALS = {
    "default": Principal(key_id="key_default"),
    "acme": Principal("acme", "key_acme"),
    "acme-reader": Principal("acme", "key_reader", groups=frozenset({"staff"})),
    "beta": Principal("beta", "key_beta"),
}


@pytest.fixture(params=[True, False], ids=["memory", "store"])
async def service(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    args: GatewayArgs,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[TenantService]:
    for module in (change_log, follower):
        monkeypatch.setattr(module, "LEASE_S", 0.0)
    args = args.model_copy(update={"request_timeout_s": 30.0, "max_concurrent_requests": 64})
    made = TenantService(tmp_path, LIVE, args, PRINCIPALS, lexical=request.param)
    yield made
    made.close()


@pytest.fixture
async def parties(service: TenantService) -> AsyncIterator[list[Party]]:
    """Three tenants, and somebody of one of them who reads less."""
    owners = [Party(name, service.client(name)) for name in ("default", "beta")]
    acme = Party("acme", service.client("acme"), closed_secret="zqclosed42")
    reader = Party(
        "acme-reader",
        service.client("acme-reader"),
        may_see=[acme.secret],
        owns=False,
    )
    for party in (*owners, acme):
        await party.prepare()
    made = [*owners, acme, reader]
    yield made
    for party in made:
        await party.client.aclose()


async def test_no_byte_of_a_tenant_comes_to_another(parties: list[Party]) -> None:
    findings = await Fuzz(parties, seed=3).run(REQUESTS)
    assert findings.leaks == []
    assert findings.lost == []
    assert findings.statuses[500] == 0
    assert findings.statuses[200] > REQUESTS / 3


@pytest.mark.parametrize("path", ["/v1/documents", "/v1/files", "/v1/vector_stores/default/files"])
async def test_a_foreign_id_is_answered_as_one_that_nobody_has(
    parties: list[Party], path: str
) -> None:
    _, beta, acme, reader = parties
    named = {
        closed_id(acme): reader,
        beta.own_ids[0]: acme,
        acme.own_ids[0]: parties[0],
    }
    for name, party in named.items():
        for method in ("GET", "DELETE"):
            foreign = await party.client.request(method, f"{path}/{name}")
            unknown = await party.client.request(method, f"{path}/nobody-has-it")
            assert foreign.status_code == unknown.status_code == 404
            said = _said(unknown).replace("nobody-has-it", "X")
            assert _said(foreign).replace(name, "X") == said


def _said(response: httpx.Response) -> str:
    body = response.json()
    return str(body["detail"])


async def test_who_may_not_read_a_document_cannot_write_over_it(parties: list[Party]) -> None:
    acme, reader = parties[2], parties[3]
    name = closed_id(acme)
    body = {"documents": [{"id": name, "text": "Taken over."}]}
    refused = (await reader.client.post("/v1/documents", json=body)).json()
    assert refused["outcomes"][0]["status"] == "failed"
    own = {"documents": [{"id": "mine", "text": "Out of reach.", "acl": ["board"]}]}
    locked_out = (await reader.client.post("/v1/documents", json=own)).json()
    assert locked_out["outcomes"][0]["status"] == "failed"
    found = (await acme.client.get(f"/v1/documents/{name}")).json()
    assert (found["title"], found["acl"]) == (acme.document(name)["title"], ["board"])


async def test_a_document_sent_again_keeps_who_may_read_it(parties: list[Party]) -> None:
    acme, reader = parties[2], parties[3]
    name = closed_id(acme)
    body = {"documents": [{"id": name, "text": "A new text of the board."}]}
    assert (await acme.client.post("/v1/documents", json=body)).json()["updated"] == 1
    assert (await reader.client.get(f"/v1/documents/{name}")).status_code == 404
    opened = {"documents": [{"id": name, "text": "A new text of the board.", "acl": None}]}
    assert (await acme.client.post("/v1/documents", json=opened)).json()["updated"] == 1
    assert (await reader.client.get(f"/v1/documents/{name}")).json()["acl"] is None


async def test_names_of_tenants_and_groups_are_no_metadata(parties: list[Party]) -> None:
    client = parties[0].client
    for key in ("tenant", "acl", "ragserve:tenant"):
        body = {"documents": [{"id": "x", "text": "x", "metadata": {key: "acme"}}]}
        assert (await client.post("/v1/documents", json=body)).status_code == 422
        asked = {"query": "leave", "filter": {"$or": [{key: "acme"}, {"team": "red"}]}}
        assert (await client.post("/v1/search", json=asked)).status_code == 422


async def test_an_erased_tenant_is_in_no_place_and_others_stay(
    service: TenantService, parties: list[Party]
) -> None:
    default, beta, acme, _ = parties
    scope = RequestScope("erase", float("inf"))
    indexes = service.releases.indexes()
    receipt = {
        place.place: place for place in await erase_tenant("acme", indexes, service.keeper, scope)
    }
    assert all(place.is_done and not place.reason for place in receipt.values())
    index = receipt["retrieval-a"].counts
    assert index["documents"] == len(acme.there)
    assert index["chunks"] >= index["documents"]
    assert receipt["batches"].counts == {"lines": 1, "batches": 1, "files": 1}
    for collection in ("documents", "sources"):
        rows = service.stages.index._store.chroma.beside(collection).get(include=["metadatas"])
        assert rows["ids"]
        assert not [row for row in rows["ids"] if row.startswith("acme/")]
        assert acme.secret not in str(rows)
    texts = service.stages.index._store.chroma.chunks().get(include=["documents", "metadatas"])
    assert acme.secret not in str(texts)
    assert default.secret in str(texts)
    assert (await acme.client.get("/v1/documents")).json()["documents"] == []
    search = await acme.client.post("/v1/search", json={"query": "parental leave"})
    assert acme.secret not in search.text
    for party in (default, beta):
        page = (await party.client.get("/v1/documents")).json()
        assert {one["id"] for one in page["documents"]} == party.there
        assert (await party.client.get(f"/v1/batches/{party.batch_ids[0]}")).status_code == 200
    again = await erase_tenant("acme", indexes, service.keeper, scope)
    assert all(place.is_done and not place.counts for place in again)


async def test_erasing_and_copying_are_for_operators(service: TenantService) -> None:
    assert Access.everything().all_tenants
    call = RequestScope("request", float("inf"), principal=PRINCIPALS["acme"]).call()
    with pytest.raises(Exception, match="for operators"):
        await service.stages.index.erase_tenant("acme", call=call)
    with pytest.raises(Exception, match="for operators"):
        await service.keeper.erase_tenant("acme", call=call)
