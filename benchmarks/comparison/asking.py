"""The bodies that every contender gets, and what is read out of their answers."""

import json
from collections.abc import Sequence
from typing import Any

from benchmarks.comparison.contenders import HttpContender
from deployments.encoding.weights import PACKAGED_MODEL

EMBEDDINGS = "/v1/embeddings"
SEARCH = "/v1/search"
QUERY = "/v1/query"


class NotComparable(Exception):
    """A contender did not answer, or not what was asked; the message is for the user."""


def embeddings_body(text: str) -> bytes:
    """Returns a request for the vector of one text."""
    return _encode({"input": text, "model": PACKAGED_MODEL})


def search_body(query: str) -> bytes:
    """Returns a request for the ten nearest chunks, not reranked."""
    return _encode({"query": query, "mode": "dense", "top_k": 10, "top_n": 10, "rerank": False})


def query_body(query: str) -> bytes:
    """Returns a request for an answer from the best five of the thirty nearest chunks."""
    return _encode({"query": query, "mode": "dense", "top_k": 30, "top_n": 5, "rerank": True})


async def ask_all(contender: HttpContender, path: str, bodies: Sequence[bytes]) -> list[Any]:
    """Returns the answers' bodies, asked for one after the other.

    Raises:
        NotComparable: one of them is not ok.
    """
    answers = []
    async with contender.target() as target:
        for body in bodies:
            reply = await target.post(path, body, parse=True)
            if reply.outcome != "ok":
                raise NotComparable(f"{contender.name}: {path}: {reply.detail}")
            answers.append(reply.body)
    return answers


def _encode(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8")
