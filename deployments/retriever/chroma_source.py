"""What a follower reads of Chroma: announcements, fingerprints and chunks."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from deployments.contracts.documents import Chunk, Vectors
from deployments.retriever.change_log import WriterLog
from deployments.retriever.chroma_rows import read_chunks
from deployments.retriever.store import ChromaStore

_PAGE_RECORDS = 1000
_PAGE_CHUNKS = 200
"""Some 5 MB while they are read, vectors as JSON most of all. Larger pages leave more memory behind
that the process does not give back."""

_ALL = ["documents", "metadatas", "embeddings"]


class StoredContent:
    """The source of a follower.

    Args:
        store: The store of one version.
    """

    def __init__(self, store: ChromaStore) -> None:
        self._store = store

    def numbers(self) -> Mapping[str, int]:
        """Returns how many changes each writer has announced."""
        return self._store.changes.numbers()

    def logs(self) -> Mapping[str, WriterLog]:
        """Returns what each writer changed last."""
        return self._store.changes.logs()

    def fingerprints(self, document_ids: Sequence[str] | None = None) -> dict[str, str]:
        """Returns the fingerprints of those documents that are there, or of all."""
        if document_ids is not None:
            found = self._store.records(document_ids)
            return {record.id: record.fingerprint for record in found.values()}
        fingerprints: dict[str, str] = {}
        after: int | None = 0
        while after is not None:
            page = self._store.page(after=after, limit=_PAGE_RECORDS)
            fingerprints.update((record.id, record.fingerprint) for record in page.records)
            after = page.next_sequence
        return fingerprints

    def chunks(self, document_ids: Sequence[str]) -> Iterator[tuple[list[Chunk], Vectors]]:
        """Returns all chunks of those documents, also those that no record counts, a page at a
        time. One that is written meanwhile may be missing; whoever writes it announces it later."""
        if not document_ids:
            return
        collection = self._store.chroma.chunks()
        where = {"document_id": {"$in": list(document_ids)}}
        offset = 0
        while True:
            found = self._store.chroma.guard(
                partial(
                    collection.get, where=where, limit=_PAGE_CHUNKS, offset=offset, include=_ALL
                )
            )
            chunks = read_chunks(found)
            if chunks:
                yield chunks, np.asarray(found["embeddings"], dtype=np.float32)
            if len(chunks) < _PAGE_CHUNKS:
                return
            offset += len(chunks)
