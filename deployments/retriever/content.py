"""What a follower reads of Chroma: announcements, fingerprints and chunks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from deployments.contracts import Chunk, DocumentPage, DocumentRecord
from deployments.retriever.changes import ChangeLog, WriterLog
from deployments.retriever.store import read_chunk

_PAGE_RECORDS = 1000


class _Records(Protocol):
    def records(self, document_ids: Sequence[str]) -> dict[str, DocumentRecord]: ...

    def page(self, *, after: int, limit: int) -> DocumentPage: ...


class StoredContent:
    """The source of a follower, over one version's collections.

    Args:
        records: The list of documents.
        open_chunks: Returns Chroma's collection of chunks.
        log: The announcements.
        guard: Runs a call of the library and turns what it raises into our errors.
    """

    def __init__(
        self,
        records: _Records,
        open_chunks: Callable[[], Any],
        log: ChangeLog,
        guard: Callable[[Callable[[], Any]], Any],
    ) -> None:
        self._records = records
        self._open_chunks = open_chunks
        self._log = log
        self._guard = guard

    def numbers(self) -> Mapping[str, int]:
        """Returns how many changes each writer has announced."""
        return self._log.numbers()

    def logs(self) -> Mapping[str, WriterLog]:
        """Returns what each writer changed last."""
        return self._log.logs()

    def fingerprints(self, document_ids: Sequence[str] | None = None) -> dict[str, str]:
        """Returns the fingerprints of those documents that are there, or of all."""
        if document_ids is not None:
            found = self._records.records(document_ids)
            return {record.id: record.fingerprint for record in found.values()}
        fingerprints: dict[str, str] = {}
        after: int | None = 0
        while after is not None:
            page = self._records.page(after=after, limit=_PAGE_RECORDS)
            fingerprints.update((record.id, record.fingerprint) for record in page.records)
            after = page.next_sequence
        return fingerprints

    def chunks(self, document_ids: Sequence[str]) -> list[Chunk]:
        """Returns all chunks of those documents, also those that no record counts."""
        if not document_ids:
            return []
        found = self._guard(
            lambda: self._open_chunks().get(
                where={"document_id": {"$in": list(document_ids)}},
                include=["documents", "metadatas"],
            )
        )
        rows = zip(found["ids"], found["documents"], found["metadatas"], strict=True)
        return [read_chunk(*row) for row in rows]
