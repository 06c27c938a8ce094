"""`/v1/documents` over doubles."""

import asyncio
import json
import time
from dataclasses import replace

import httpx
import pytest

from app.api.documents.documents import delete_document
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.releases.route import RetrievalStages
from app.request.scope import RequestScope
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import NotFound
from tests.doubles import DoubleDirectory, MemoryRetriever


async def test_the_same_document_twice_changes_nothing(loaded: httpx.AsyncClient) -> None:
    one = {
        "id": "paris",
        "path": "geo/paris.md",
        "text": "Paris is the capital of France.",
        "metadata": {"area": "eu"},
    }
    again = (await loaded.post("/v1/documents", json={"documents": [one]})).json()
    assert again["unchanged"] == 1
    one["text"] = "Paris is large."
    assert (await loaded.post("/v1/documents", json={"documents": [one]})).json()["updated"] == 1


async def test_a_document_without_id_or_path_is_known_by_its_text(
    client: httpx.AsyncClient,
) -> None:
    body = {"documents": [{"text": "# A title\n\nSome text."}]}
    first = (await client.post("/v1/documents", json=body)).json()["outcomes"][0]
    second = (await client.post("/v1/documents", json=body)).json()["outcomes"][0]
    assert (first["status"], second["status"]) == ("added", "unchanged")
    assert first["document_id"] == second["document_id"]
    info = (await client.get(f"/v1/documents/{first['document_id']}")).json()
    assert info["title"] == "A title"


async def test_files_come_as_a_form_and_a_bad_one_is_named(client: httpx.AsyncClient) -> None:
    files = [
        ("files", ("note.md", b"# Note\n\nA text about queues.")),
        ("files", ("tool.exe", b"MZ")),
    ]
    response = await client.post(
        "/v1/documents", files=files, data={"metadata": json.dumps({"team": "a"})}
    )
    body = response.json()
    assert (body["added"], body["failed"]) == (1, 1)
    failed = body["outcomes"][1]
    assert failed["path"] == "tool.exe"
    assert ".exe" in failed["message"]


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ({}, "text"),
        ({"text": "a", "parts": [{"text": "b"}]}, "parts"),
        ({"text": "a", "metadata": {"path": "x"}}, "path"),
        ({"text": "a", "metadata": {"list": [1]}}, "metadata"),
        ({"text": "a", "id": "../etc"}, "id"),
    ],
    ids=["no-text", "both", "reserved-key", "nested-value", "bad-id"],
)
async def test_bad_documents_are_422(
    client: httpx.AsyncClient, document: dict[str, object], word: str
) -> None:
    response = await client.post("/v1/documents", json={"documents": [document]})
    assert response.status_code == 422
    assert word in response.text


async def test_the_list_is_paged_without_loss(loaded: httpx.AsyncClient) -> None:
    seen, cursor = [], ""
    while True:
        page = (
            await loaded.get(
                "/v1/documents", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
            )
        ).json()
        seen += [one["id"] for one in page["documents"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["paris", "tokyo", "queue"]


async def test_a_deleted_document_is_gone(loaded: httpx.AsyncClient) -> None:
    assert (await loaded.delete("/v1/documents/paris")).json() == {
        "id": "paris",
        "deleted": True,
        "chunk_count": 1,
    }
    assert (await loaded.get("/v1/documents/paris")).status_code == 404
    found = (await loaded.post("/v1/search", json={"query": "capital of France"})).json()["results"]
    assert "paris" not in {one["document_id"] for one in found}


class NotedRetriever(MemoryRetriever):
    """Notes when a deletion begins and ends."""

    def __init__(self, name: str, notes: list[str]) -> None:
        super().__init__()
        self._name = name
        self._notes = notes

    async def delete(self, document_id: str, *, call: CallContext) -> int:
        self._notes.append(f"{self._name} begins")
        await asyncio.sleep(0)
        self._notes.append(f"{self._name} ends")
        return await super().delete(document_id, call=call)


class TwoIndexes(DoubleDirectory):
    """A retriever of its own for every application."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__()
        self._notes = notes

    def retrieval(self, application: str) -> RetrievalStages:
        retriever = NotedRetriever(application, self._notes)
        return replace(super().retrieval(application), retriever=retriever)


async def test_indexes_lose_a_document_one_after_the_other() -> None:
    """The one with the traffic first, from which another may be filled at this moment."""
    notes: list[str] = []
    live = GatewayLive(
        releases={
            "one": Release(retrieval="retrieval-a", generator=("generator-a",)),
            "two": Release(retrieval="retrieval-b", generator=("generator-a",)),
        },
        traffic={"two": 1.0},
    )
    gateway = make_gateway(Releases(TwoIndexes(notes), lambda: live), GatewayArgs())
    scope = RequestScope("request", time.monotonic() + 60)
    with pytest.raises(NotFound):
        await delete_document("nobody", scope, gateway, GatewayArgs())
    assert notes == [
        *("retrieval-b begins", "retrieval-b ends"),
        *("retrieval-a begins", "retrieval-a ends"),
    ]


async def test_documents_are_found_by_their_names(loaded: httpx.AsyncClient) -> None:
    everything = (await loaded.get("/v1/documents")).json()["documents"]
    wanted = everything[1]["path"]
    found = (await loaded.get("/v1/documents", params={"named": wanted})).json()
    assert [one["path"] for one in found["documents"]] == [wanted]
    assert (await loaded.get("/v1/documents?named=no-such-thing")).json()["documents"] == []


async def test_chunks_say_what_was_cut_where(client: httpx.AsyncClient) -> None:
    text = "# Manual\n\n## Start\n\nPress the button.\n\n## Stop\n\nPress it again.\n"
    await client.post("/v1/documents", json={"documents": [{"id": "manual", "text": text}]})
    whole = (await client.get("/v1/documents/manual/chunks")).json()
    count = whole["chunk_count"]
    assert count == len(whole["chunks"]) > 0
    assert [chunk["ordinal"] for chunk in whole["chunks"]] == list(range(count))
    assert "Press the button." in whole["chunks"][0]["text"]
    assert whole["next"] is None
    paged = (await client.get("/v1/documents/manual/chunks?limit=1")).json()
    assert len(paged["chunks"]) == 1
    assert paged["next"] == (1 if count > 1 else None)
    beyond = (await client.get("/v1/documents/manual/chunks?first=999")).json()
    assert (beyond["chunks"], beyond["next"]) == ([], None)
    assert (await client.get("/v1/documents/none/chunks")).status_code == 404
