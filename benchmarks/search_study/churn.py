"""Documents that come, change and go while others search, and whether searches see it.

What was acknowledged has to be seen by the very next search: the new text after a write, the
document no longer after a deletion.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

import httpx

from benchmarks.comparison.asking import SEARCH

_DOCUMENTS = "/v1/documents"
_MODES = ("hybrid", "dense", "lexical")
_TOP = 10
_ERRORS_NAMED = 5
_TIMEOUT_S = 60.0


@dataclass(slots=True)
class Counts:
    """What was done, and what went wrong.

    `unseen` counts searches that missed an acknowledged text, `stale` those that found a former
    text or a deleted document.
    """

    added: int = 0
    changed: int = 0
    deleted: int = 0
    checks: int = 0
    errors: int = 0
    unseen: int = 0
    stale: int = 0


class Churn:
    """One writer: adds a document, changes it, deletes it, and searches after each.

    Args:
        url: The service.
        questions: What others search for; the documents hold them, so that they are found.
    """

    def __init__(self, url: str, questions: Sequence[str]) -> None:
        self._url = url
        self._questions = questions
        self._counts = Counts()
        self._errors: list[str] = []
        self._gone_s: dict[str, float] = {}

    def result(self) -> dict[str, Any]:
        """Returns the counts, and the first errors in words."""
        return {**asdict(self._counts), "first_errors": self._errors[:_ERRORS_NAMED]}

    @property
    def is_right(self) -> bool:
        """Whether nothing went wrong."""
        return not (self._counts.errors or self._counts.unseen or self._counts.stale)

    def on_answer(self, sent_s: float, answer: Any) -> None:
        """Counts a stale hit where anybody's search found a document that had been deleted before
        the search was sent."""
        for hit in answer["results"]:
            if self._gone_s.get(hit["document_id"], sent_s) < sent_s:
                self._counts.stale += 1

    async def run(self, stop: asyncio.Event) -> None:
        """Writes until it is told to stop; the last document is deleted in any case."""
        timeout = httpx.Timeout(_TIMEOUT_S)
        async with httpx.AsyncClient(base_url=self._url, timeout=timeout) as client:
            turn = 0
            while not stop.is_set():
                await self._turn(client, turn)
                turn += 1

    async def _turn(self, client: httpx.AsyncClient, turn: int) -> None:
        mode = _MODES[turn % len(_MODES)]
        path = f"benchmark/{uuid4().hex}.md"
        first, second = (f"{self._question(turn)} {uuid4().hex}" for _ in range(2))
        document_id = await self._write(client, path, first)
        if document_id is None:
            return
        self._counts.added += 1
        await self._check(client, mode, document_id, seen=first)
        if await self._write(client, path, second) is not None:
            self._counts.changed += 1
            await self._check(client, mode, document_id, seen=second, gone=first)
        if await self._ask(client, "DELETE", f"{_DOCUMENTS}/{document_id}") is not None:
            self._counts.deleted += 1
            self._gone_s[document_id] = asyncio.get_running_loop().time()
            await self._check(client, mode, document_id, gone=second)

    def _question(self, turn: int) -> str:
        return self._questions[turn % len(self._questions)]

    async def _write(self, client: httpx.AsyncClient, path: str, text: str) -> str | None:
        """Returns the document's id, None where it was not taken."""
        document = {"path": path, "title": "", "text": text}
        answer = await self._ask(client, "POST", _DOCUMENTS, {"documents": [document]})
        if answer is None:
            return None
        [outcome] = answer["outcomes"]
        if outcome["status"] not in ("added", "updated"):
            self._failed(f"{outcome['status']}: {outcome['message']}")
            return None
        return str(outcome["document_id"])

    async def _check(
        self,
        client: httpx.AsyncClient,
        mode: str,
        document_id: str,
        *,
        seen: str | None = None,
        gone: str | None = None,
    ) -> None:
        """Searches for the text that must be there, else for the one that must not."""
        body = {
            "query": seen or gone,
            "mode": mode,
            "top_k": _TOP,
            "top_n": _TOP,
            "rerank": False,
        }
        answer = await self._ask(client, "POST", SEARCH, body)
        if answer is None:
            return
        self._counts.checks += 1
        texts = [hit["text"] for hit in answer["results"] if hit["document_id"] == document_id]
        if seen is not None and seen not in texts:
            self._counts.unseen += 1
        if any(text != seen for text in texts):
            self._counts.stale += 1

    async def _ask(
        self, client: httpx.AsyncClient, method: str, path: str, body: Any = None
    ) -> Any:
        """Returns the answer, None where there is none."""
        try:
            answer = await client.request(method, path, json=body)
        except httpx.HTTPError as error:
            self._failed(f"{method} {path}: {type(error).__name__}")
            return None
        if not answer.is_success:
            self._failed(f"{method} {path}: HTTP {answer.status_code}: {answer.text[:200]}")
            return None
        return answer.json()

    def _failed(self, what: str) -> None:
        self._counts.errors += 1
        self._errors.append(what)
