"""The retriever's shell: owns the vector store, so that one place reads and writes it."""

import asyncio
from collections.abc import Sequence

from deployments.contracts import (
    CallContext,
    DocumentPage,
    DocumentRecord,
    Filter,
    IndexedDocument,
    ScoredChunk,
    Vectors,
)
from deployments.errors import NotFound
from deployments.retriever.config import RetrieverArgs
from deployments.retriever.store import ChromaStore


class Retriever:
    """Finds chunks, and keeps the list of documents.

    Args:
        args: `RetrieverArgs` as a mapping.
    """

    def __init__(self, args: dict[str, object]) -> None:
        self._store = ChromaStore(RetrieverArgs.model_validate(args).store)

    async def search(
        self, query: str, vector: Vectors, *, top_k: int, where: Filter | None, call: CallContext
    ) -> list[ScoredChunk]:
        """Returns at most `top_k` chunks by descending cosine similarity. `vector` has shape (1,
        dim)."""
        return await asyncio.to_thread(self._store.search, vector, top_k=top_k, where=where)

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
