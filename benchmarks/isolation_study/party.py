"""One of several tenants that have the same documents, each with words of its own in them."""

import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import httpx

SHARED_IDS = tuple(f"shared-{number}" for number in range(6))
"""Ids that documents of every party have."""
SHARED_FILE = ("handbook.md", "# Handbook\n\nLeave is granted by the {secret} office.\n")
TEAMS = ("red", "blue")
SUBJECTS = ("parental leave", "travel expenses", "queue overload")


def new_secret() -> str:
    """Returns a word that stands nowhere else."""
    return f"zq{secrets.token_hex(6)}"


@dataclass
class Party:
    """Somebody who asks.

    Attributes:
        name: Tells it from others in reports.
        client: Sends its requests, with its key.
        secret: The word in its documents.
        closed_secret: The word in those of its documents that only a group may read; empty for
            none.
        may_see: Words that may come to it.
        owns: Whether the documents are its own; who only reads writes and deletes nothing.
        own_ids: Documents that nobody else has an equal of.
        there: Documents that it has at this moment.
        file_ids: Its uploaded files.
        batch_ids: Its batches and their files.
    """

    name: str
    client: httpx.AsyncClient
    secret: str = field(default_factory=new_secret)
    closed_secret: str = ""
    may_see: Collection[str] = ()
    owns: bool = True
    own_ids: Sequence[str] = ()
    there: set[str] = field(default_factory=set)
    file_ids: list[str] = field(default_factory=list)
    batch_ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.may_see = frozenset(self.may_see) | {self.secret, self.closed_secret}
        self.own_ids = self.own_ids or tuple(f"only-{self.name}-{place}" for place in range(3))

    def document(self, document_id: str, place: int = 0) -> dict[str, object]:
        """Returns a document that differs from an equal one of another party by the secret."""
        is_closed = bool(self.closed_secret) and document_id == closed_id(self)
        word = self.closed_secret if is_closed else self.secret
        subject = SUBJECTS[place % len(SUBJECTS)]
        made: dict[str, object] = {
            "id": document_id,
            "path": f"docs/{document_id}.md",
            "title": f"About {subject}",
            "text": f"# About {subject}\n\nWho asks for {subject} goes to {word}.\n\n"
            f"# More\n\nThe second part of {subject} names {word} again.",
            "metadata": {"team": TEAMS[place % len(TEAMS)], "note": f"kept by {word}"},
        }
        if is_closed:
            made["acl"] = ["board"]
        return made

    async def prepare(self) -> None:
        """Sends everything that the party has.

        Raises:
            httpx.HTTPStatusError: something of it was refused.
        """
        ids = [*SHARED_IDS, *self.own_ids, *([closed_id(self)] if self.closed_secret else [])]
        body = {"documents": [self.document(name, place) for place, name in enumerate(ids)]}
        await self._sent(await self.client.post("/v1/documents", json=body))
        self.there = set(ids)
        name, text = SHARED_FILE
        content = text.format(secret=self.secret).encode()
        uploaded = await self.client.post("/v1/documents", files={"files": (name, content)})
        outcome = (await self._sent(uploaded))["outcomes"][0]
        self.there.add(str(outcome["document_id"]))
        file = await self.client.post(
            "/v1/files", files={"file": (name, content)}, data={"purpose": "assistants"}
        )
        self.file_ids.append((await self._sent(file))["id"])
        self.there.add(self.file_ids[-1])
        line = {
            "custom_id": f"line {self.secret}",
            "method": "POST",
            "url": "/v1/query",
            "body": {"query": f"Who is {self.secret}?"},
        }
        batch = await self.client.post(
            "/v1/batches",
            content=json.dumps(line).encode(),
            headers={"content-type": "application/jsonl"},
        )
        if batch.status_code < 400:
            made = batch.json()
            self.batch_ids += [made["id"], made["input_file_id"]]

    async def _sent(self, response: httpx.Response) -> dict:  # type: ignore[type-arg]
        response.raise_for_status()
        body: dict[str, object] = response.json()
        if body.get("failed"):
            raise httpx.HTTPStatusError(
                response.text[:500], request=response.request, response=response
            )
        return body


def closed_id(party: Party) -> str:
    """Returns the id of the document that only a group of the party's tenant may read."""
    return f"closed-{party.name}"
