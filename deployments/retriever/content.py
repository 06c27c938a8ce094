"""What a follower reads of Chroma: announcements, fingerprints and chunks."""

from collections.abc import Mapping, Sequence

from deployments.contracts import Chunk
from deployments.retriever.changes import WriterLog
from deployments.retriever.chunk_rows import read_chunk
from deployments.retriever.store import ChromaStore

_PAGE_RECORDS = 1000


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

    def chunks(self, document_ids: Sequence[str]) -> list[Chunk]:
        """Returns all chunks of those documents, also those that no record counts."""
        if not document_ids:
            return []
        found = self._store.chroma.guard(
            lambda: self._store.chroma.chunks().get(
                where={"document_id": {"$in": list(document_ids)}},
                include=["documents", "metadatas"],
            )
        )
        rows = zip(found["ids"], found["documents"], found["metadatas"], strict=True)
        return [read_chunk(*row) for row in rows]
