"""Random requests over every route that takes an id, a filter or a page of documents."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from benchmarks.isolation_study.party import (
    SHARED_FILE,
    SHARED_IDS,
    SUBJECTS,
    TEAMS,
    Party,
    closed_id,
)

_STORE = "/v1/vector_stores/vs_default"
_MODES = ("hybrid", "dense", "lexical")
Ask = Callable[[random.Random, Party, Sequence[Party]], httpx.Request]


def any_id(draw: random.Random, parties: Sequence[Party], kind: str = "documents") -> str:
    """Returns an id that one of the parties has, or that somebody could think of."""
    party = draw.choice(parties)
    if kind == "batches" and party.batch_ids:
        return draw.choice(party.batch_ids)
    names = [*SHARED_IDS, *party.own_ids, *party.file_ids, *party.there, closed_id(party), "never"]
    name = draw.choice(sorted(names))
    return draw.choice([name, name, name, f"{party.name}/{name}", f"{name}-00000"])


def any_filter(draw: random.Random, parties: Sequence[Party], depth: int = 0) -> dict[str, Any]:
    """Returns a filter, some of which look for what is somebody else's."""
    if depth == 0 and draw.random() < 0.3:
        join = draw.choice(["$and", "$or"])
        return {join: [any_filter(draw, parties, 1) for _ in range(2)]}
    name = any_id(draw, parties)
    return draw.choice(
        [
            {"document_id": name},
            {"document_id": {"$ne": name}},
            {"document_id": {"$in": [name, *SHARED_IDS]}},
            {"document_id": {"$nin": [name]}},
            {"path": f"docs/{name}.md"},
            {"team": draw.choice(TEAMS)},
            {"team": {"$ne": draw.choice(TEAMS)}},
            {"lacking": {"$ne": 1}},
            {"ordinal": {"$gte": 0}},
            {"tenant": draw.choice(parties).name},
            {"ragserve:tenant": {"$ne": "x"}},
        ]
    )


def _search(draw: random.Random, party: Party, parties: Sequence[Party]) -> httpx.Request:
    body: dict[str, Any] = {
        "query": draw.choice(SUBJECTS),
        "mode": draw.choice(_MODES),
        "top_n": draw.randrange(1, 20),
    }
    if draw.random() < 0.6:
        body["filter"] = any_filter(draw, parties)
    return party.client.build_request("POST", "/v1/search", json=body)


def _query(draw: random.Random, party: Party, parties: Sequence[Party]) -> httpx.Request:
    body: dict[str, Any] = {"query": f"Who asks for {draw.choice(SUBJECTS)}?"}
    if draw.random() < 0.5:
        body["filter"] = any_filter(draw, parties)
    return party.client.build_request("POST", "/v1/query", json=body)


def _chat(draw: random.Random, party: Party, parties: Sequence[Party]) -> httpx.Request:
    messages = [{"role": "user", "content": f"Who asks for {draw.choice(SUBJECTS)}?"}]
    body = {"model": "ragserve", "messages": messages}
    return party.client.build_request("POST", "/v1/chat/completions", json=body)


def _store_search(draw: random.Random, party: Party, parties: Sequence[Party]) -> httpx.Request:
    body = {"query": draw.choice(SUBJECTS), "max_num_results": draw.randrange(1, 20)}
    return party.client.build_request("POST", f"{_STORE}/search", json=body)


def _list(draw: random.Random, party: Party, parties: Sequence[Party]) -> httpx.Request:
    limit = draw.randrange(1, 20)
    after = any_id(draw, parties)
    pages: list[tuple[str, dict[str, str | int]]] = [
        ("/v1/documents", {"limit": limit}),
        ("/v1/documents", {"limit": limit, "cursor": draw.randrange(10**9)}),
        ("/v1/files", {"limit": limit}),
        ("/v1/files", {"limit": limit, "after": after}),
        ("/v1/files", {"purpose": draw.choice(["assistants", "batch", "batch_output"])}),
        (f"{_STORE}/files", {"limit": limit}),
        (f"{_STORE}/files", {"limit": limit, "after": after}),
        ("/v1/batches", {"limit": limit}),
        ("/v1/batches", {"after": any_id(draw, parties, "batches")}),
        ("/v1/vector_stores", {}),
        (_STORE, {}),
    ]
    path, params = draw.choice(pages)
    return party.client.build_request("GET", path, params=params)


def _get(draw: random.Random, party: Party, parties: Sequence[Party]) -> httpx.Request:
    name, batch = any_id(draw, parties), any_id(draw, parties, "batches")
    path = draw.choice(
        [
            f"/v1/documents/{_quoted(name)}",
            f"/v1/files/{_quoted(name)}",
            f"/v1/files/{_quoted(batch)}",
            f"/v1/files/{_quoted(batch)}/content",
            f"{_STORE}/files/{_quoted(name)}",
            f"{_STORE}/files/{_quoted(name)}/content",
            f"/v1/batches/{_quoted(batch)}",
        ]
    )
    return party.client.build_request("GET", path)


def _change(draw: random.Random, party: Party, parties: Sequence[Party]) -> httpx.Request:
    name = any_id(draw, parties)
    attributes = {"attributes": {"team": draw.choice(TEAMS)}}
    client = party.client
    if draw.random() < 0.3:
        body: dict[str, Any] = {"file_ids": [name], **attributes}
        return client.build_request("POST", f"{_STORE}/file_batches", json=body)
    if draw.random() < 0.5:
        return client.build_request("POST", f"{_STORE}/files/{_quoted(name)}", json=attributes)
    return client.build_request("POST", f"{_STORE}/files", json={"file_id": name, **attributes})


def write(draw: random.Random, party: Party) -> tuple[str, httpx.Request]:
    """Returns a request that writes a document of a party, and its id."""
    name = draw.choice([*SHARED_IDS, *party.own_ids])
    body = {"documents": [party.document(name, draw.randrange(6))]}
    return name, party.client.build_request("POST", "/v1/documents", json=body)


def upload(party: Party) -> httpx.Request:
    """Returns a request that uploads the file that all parties have under the same name."""
    name, text = SHARED_FILE
    content = text.format(secret=party.secret).encode()
    return party.client.build_request("POST", "/v1/documents", files={"files": (name, content)})


def delete(
    draw: random.Random, party: Party, parties: Sequence[Party]
) -> tuple[str, httpx.Request]:
    """Returns a request to delete something of somebody, and its id."""
    name = any_id(draw, parties)
    path = draw.choice(["/v1/documents", "/v1/files", f"{_STORE}/files"])
    return name, party.client.build_request("DELETE", f"{path}/{_quoted(name)}")


READS: Sequence[Ask] = (_search, _search, _query, _chat, _store_search, _list, _list, _get, _get)
CHANGES: Sequence[Ask] = (_change,)


def _quoted(name: str) -> str:
    return name.replace("/", "%2F")
