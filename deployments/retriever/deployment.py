"""The retriever's shell: owns the vector store, so that one place reads and writes it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from deployments.batching.batcher import Batcher
from deployments.batching.queue import slowest
from deployments.contracts import (
    CallContext,
    DocumentPage,
    DocumentRecord,
    Filter,
    Found,
    IndexedDocument,
    Lap,
    SourcePage,
    Vectors,
)
from deployments.errors import NotFound
from deployments.retriever.config import RetrieverArgs
from deployments.retriever.store import ChromaStore, Search
from deployments.stage import StageReplica
from deployments.telemetry.batches import report_batches
from deployments.telemetry.ray_meter import RayMeter

_CONCURRENT_SEARCHES = 2
"""One question to the store is answered while the next one is put together."""


class Retriever(StageReplica):
    """Finds chunks, and keeps the list of documents. Searches that wait at the same moment are one
    question to the store.

    Args:
        args: `RetrieverArgs` as a mapping.
    """

    def __init__(self, args: dict[str, object]) -> None:
        settings = RetrieverArgs.model_validate(args)
        self._store = ChromaStore(settings.store)
        self._batcher = Batcher(
            self._store.search,
            stage="retriever",
            # A search has no length: each counts as one token.
            max_batch_tokens=settings.max_batch_requests,
            max_batch_requests=settings.max_batch_requests,
            max_queued_tokens=settings.max_queued_requests,
            max_queue_s=settings.max_queue_s,
            concurrent_batches=_CONCURRENT_SEARCHES,
            on_batch=report_batches("retriever", RayMeter()),
        )

    async def search(
        self, query: str, vector: Vectors, *, top_k: int, where: Filter | None, call: CallContext
    ) -> Found:
        """Returns at most `top_k` chunks by descending cosine similarity. `vector` has shape (1,
        dim)."""
        done = await self._batcher.submit(
            [Search(vector[0], top_k, where)], token_counts=[1], timeout_s=call.timeout_s
        )
        times = slowest(done)
        dense = Lap("dense", times.queue_ms, times.inference_ms)
        return Found(done[0].value, replace(times, laps=(dense,)))

    async def records(
        self, document_ids: Sequence[str], *, call: CallContext
    ) -> dict[str, DocumentRecord]:
        """Returns the records of those documents that are known, by id."""
        return await asyncio.to_thread(self._store.records, document_ids)

    async def documents(self, *, after: int, limit: int, call: CallContext) -> DocumentPage:
        """Returns a page of the list of documents, in order of arrival."""
        return await asyncio.to_thread(self._store.page, after=after, limit=limit)

    async def document(self, document_id: str, *, call: CallContext) -> DocumentRecord:
        """Returns a document's record, or raises NotFound."""
        found = await asyncio.to_thread(self._store.records, [document_id])
        if document_id not in found:
            raise NotFound(f"There is no document '{document_id}'.", "retriever")
        return found[document_id]

    async def sources(self, *, after: int, limit: int, call: CallContext) -> SourcePage:
        """Returns a page of documents as they came."""
        return await asyncio.to_thread(self._store.sources, after=after, limit=limit)

    async def replace(self, documents: Sequence[IndexedDocument], *, call: CallContext) -> None:
        """Writes documents whole; what is written replaces what was there under the same id."""
        await asyncio.to_thread(self._store.replace, documents)

    async def delete(self, document_id: str, *, call: CallContext) -> int:
        """Removes a document; returns how many chunks went with it, or raises NotFound."""
        return await asyncio.to_thread(self._store.delete, document_id)

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns that the store answers; raises Unavailable when it does not."""
        await asyncio.to_thread(self._store.ping)
        return {"store": "ok"}
