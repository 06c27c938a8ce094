"""Questions that are proposed from the documents of a service, for a person to go through."""

import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from app.client.client import Client
from app.operations.own_questions import question_of

_SEED = 7
"""Any number: the same documents give the same questions."""
_CHUNKS = 200
_MIN_HEADING_WORDS = 3
_PASSES = 10
"""Over all documents, each of which gives a question or two in one."""


def propose(client: Client, count: int) -> Iterator[dict[str, Any]]:
    """Yields questions with the document that answers each, at most so many: of documents in no
    order, from headings and from sentences in turn. Fewer where the documents have no more.

    Raises:
        ApiError: the service does not answer.
    """
    draw = random.Random(_SEED)
    documents = [(document.id, document.path) for document in client.list_documents()]
    draw.shuffle(documents)
    made: dict[str, dict[str, Any]] = {}
    for _ in range(_PASSES):
        for document_id, path in documents:
            for question, source in _of_document(_chunks(client, document_id), draw):
                if question in made:
                    continue
                made[question] = {"question": question, "document": path, "from": source}
                yield made[question]
                if len(made) == count:
                    return


def _of_document(chunks: list[dict[str, Any]], draw: random.Random) -> Iterator[tuple[str, str]]:
    """Yields a question from a heading and one from a sentence, each with what it is made of."""
    headings = sorted(
        {
            heading
            for chunk in chunks
            if len((heading := chunk["heading"].rpartition(" > ")[2]).split()) >= _MIN_HEADING_WORDS
        }
    )
    if headings:
        heading = draw.choice(headings)
        yield heading.rstrip("?.: ") + "?", heading
    if chunks:
        text = draw.choice(chunks)["text"]
        if question := question_of(text, draw):
            yield question, text[:200]


def _chunks(client: Client, document_id: str) -> list[dict[str, Any]]:
    path = f"/v1/documents/{quote(document_id, safe='')}/chunks?limit={_CHUNKS}"
    chunks: list[dict[str, Any]] = client.request("GET", path)["chunks"]
    return chunks
