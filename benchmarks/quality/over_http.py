"""A running service, over HTTP."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from app.client.api_client import ApiClient
from app.client.errors import CliError
from app.schemas.wire import RELEASE_HEADER
from benchmarks.load.http import HttpTarget
from benchmarks.quality.subject import Answered, Asked, NotMeasured, NotNow, Searched
from deployments.contracts.documents import Document, IngestOutcome

_TIMEOUT_S = 900.0
_TOO_LATE = "HTTP 504"


class OverHttp:
    """A service, of which one data set is searched. See `Subject`.

    Args:
        url: Address of the gateway.
        where: The filter of every search; None searches all that the service has.
        admin_key: The operators' key, which asking for a release takes.
        release: The release to answer; None leaves it to the service.
    """

    def __init__(
        self,
        url: str,
        *,
        where: Mapping[str, Any] | None,
        admin_key: str = "",
        release: str | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {admin_key}"} if admin_key else {}
        if release is not None:
            headers[RELEASE_HEADER] = release
        self._url = url
        self._where = where
        self._target = HttpTarget(url, timeout_s=_TIMEOUT_S, headers=headers)
        self._releases: set[str] = set()

    async def __aenter__(self) -> Self:
        await self._target.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._target.__aexit__(kind, error, trace)

    def describe(self) -> dict[str, Any]:
        """See `Subject.describe`: the address, and the releases that have answered until now."""
        return {"url": self._url, "release": ", ".join(sorted(self._releases))}

    async def add(self, documents: Sequence[Document]) -> list[IngestOutcome]:
        """See `Subject.add`."""
        body = {
            "documents": [
                {
                    "id": document.id,
                    "path": document.path,
                    "title": document.title,
                    "text": "\n".join(part.text for part in document.parts),
                    "metadata": dict(document.metadata),
                }
                for document in documents
            ]
        }
        answer = await self._post("/v1/documents", body)
        return [IngestOutcome(**outcome) for outcome in answer["outcomes"]]

    async def search(self, asked: Asked) -> Searched:
        """See `Subject.search`."""
        body = {
            "query": asked.text,
            "top_k": asked.top_k,
            "top_n": asked.top_n,
            "rerank": asked.rerank,
            "mode": asked.mode,
        }
        started_s = time.perf_counter()
        found = await self._post("/v1/search", body | self._filter())
        total_ms = (time.perf_counter() - started_s) * 1e3
        self._note(found)
        stage_ms = {name: spent["total_ms"] for name, spent in found["timings"]["stages"].items()}
        return Searched(tuple(one["path"] for one in found["results"]), total_ms, stage_ms)

    async def answer(self, question: str) -> Answered:
        """See `Subject.answer`."""
        found = await self._post("/v1/query", {"query": question} | self._filter())
        self._note(found)
        passages = {one["index"]: f"{one['title']}\n{one['text']}" for one in found["sources"]}
        named = dict.fromkeys(one["source"] for one in found["citations"])
        return Answered(
            text=found["answer"],
            grounded=found["grounded"],
            cited=tuple(passages[source] for source in named if source in passages),
            answerability=found.get("answerability"),
            signals=_signals(found["sources"][0]) if found["sources"] else {},
        )

    async def remove(self, document_id: str) -> None:
        """Takes a document out; raises NotMeasured."""

        def delete() -> None:
            with ApiClient(self._url, timeout_s=_TIMEOUT_S) as service:
                service.request("DELETE", f"/v1/documents/{document_id}")

        try:
            await asyncio.to_thread(delete)
        except CliError as error:
            raise NotMeasured(error.message) from error

    def _filter(self) -> dict[str, Any]:
        return {} if self._where is None else {"filter": dict(self._where)}

    def _note(self, answer: Mapping[str, Any]) -> None:
        self._releases.add(answer["release"])
        if answer["degraded"]:
            raise NotNow(f"An answer did without: {', '.join(answer['degraded'])}.")

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        reply = await self._target.post(path, json.dumps(body).encode(), parse=True)
        if reply.outcome == "refused" or reply.detail.startswith(_TOO_LATE):
            raise NotNow(f"{self._url}{path}: {reply.detail}.")
        if not isinstance(reply.body, dict):
            detail = reply.detail or "what answers there is not ragserve"
            raise NotMeasured(f"{self._url}{path}: {detail}")
        return reply.body


def _signals(best: Mapping[str, Any]) -> dict[str, float]:
    known = best.get("signals") or {}
    scores = {name: value for name, value in known.items() if value is not None}
    return {"score": best["score"], **scores}
