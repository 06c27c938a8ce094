"""The documents of a store as somebody sees them: those within their reach, by the ids that their
clients gave. What is out of reach is as good as not there.

This is the only way from a caller to what the store keeps of documents; searches have their own,
by `Rows.within` and `ChromaStore.search`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from deployments.contracts.documents import (
    Chunk,
    DocumentPage,
    DocumentRecord,
    IndexedDocument,
    SourcePage,
    chunk_id,
)
from deployments.contracts.errors import Forbidden, NotFound
from deployments.contracts.search import ScoredChunk
from deployments.contracts.tenants import Access
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.tenancy.names import (
    check_new_id,
    is_in_reach,
    is_of_tenant,
    shown_id,
    stored_id,
)

_STAGE = "retriever"
_READ_AT_ONCE = 500
_MOST_READ = 5000
"""Records that one search by name reads: it is gone on with where that one stopped, so that none
takes long, however many documents there are."""


class TenantDocuments:
    """Reads and writes documents for whoever asks. Every method blocks.

    Args:
        store: Where they are.
    """

    def __init__(self, store: ChromaStore) -> None:
        self._store = store

    def records(self, shown_ids: Sequence[str], access: Access) -> dict[str, DocumentRecord]:
        """Returns the records of those documents that are known, by id."""
        names = {stored_id(access, shown): shown for shown in shown_ids}
        known = self._store.records(list(names))
        return {
            names[stored]: shown_record(access, record)
            for stored, record in known.items()
            if is_in_reach(access, stored, record.acl)
        }

    def record(self, shown: str, access: Access) -> DocumentRecord:
        """Returns a document's record, or raises NotFound."""
        found = self.records([shown], access)
        if shown not in found:
            raise _not_found(shown)
        return found[shown]

    def page(self, *, after: int, limit: int, access: Access, named: str = "") -> DocumentPage:
        """Returns a page of the list of documents, in order of arrival; see
        `RetrieverStage.documents`."""
        if not named:
            page = self._store.page(after=after, limit=limit, access=access)
            return replace(page, records=_shown_records(access, page.records))
        found: list[DocumentRecord] = []
        following: int | None = after
        read = 0
        while following is not None and len(found) < limit and read < _MOST_READ:
            page = self._store.page(after=following, limit=_READ_AT_ONCE, access=access)
            read += len(page.records)
            following = page.next_sequence
            records = _shown_records(access, page.records)
            found += [record for record in records if _is_named(record, named)]
        if len(found) > limit:
            found = found[:limit]
            following = found[-1].sequence
        return DocumentPage(tuple(found), following)

    def chunks(self, shown: str, *, first: int, limit: int, access: Access) -> list[Chunk]:
        """Returns up to `limit` chunks of a document from the ordinal `first` on, or raises
        NotFound."""
        record = self.record(shown, access)
        stored = stored_id(access, shown)
        last = min(first + limit, record.chunk_count)
        asked = [chunk_id(stored, ordinal) for ordinal in range(first, last)]
        found = self._store.texts(asked)
        # It may have been written again meanwhile, for other readers.
        return [
            shown_chunk(access, found[name])
            for name in asked
            if name in found and is_in_reach(access, stored, found[name].acl)
        ]

    def sources(self, *, after: int, limit: int, access: Access) -> SourcePage:
        """Returns a page of documents as they came."""
        page = self._store.sources(after=after, limit=limit, access=access)
        return replace(
            page,
            records=_shown_records(access, page.records),
            documents=tuple(
                replace(document, id=shown_id(access, document.id)) for document in page.documents
            ),
        )

    def closed(self, shown_ids: Sequence[str], access: Access) -> frozenset[str]:
        """Returns those ids that documents of the tenant have which a caller's groups may not
        read: nobody may write over what they cannot see."""
        if access.all_tenants or access.groups is None:
            return frozenset()
        names = {stored_id(access, shown): shown for shown in shown_ids}
        known = self._store.records(list(names))
        return frozenset(
            names[stored]
            for stored, record in known.items()
            if is_of_tenant(access, stored) and not access.may_read(record.acl)
        )

    def replace(self, documents: Sequence[IndexedDocument], access: Access) -> None:
        """Writes documents whole; what is written replaces what was there under the same id.

        Raises:
            InvalidRequest: an id is none that a client can give.
            Forbidden: the caller's groups may not read what is there.
        """
        if self.closed([document.record.id for document in documents], access):
            raise Forbidden("A document is closed to the groups of this key.", _STAGE)
        self._store.replace([_stored_document(access, document) for document in documents])

    def delete(self, shown: str, access: Access) -> int:
        """Removes a document; returns how many chunks went with it, or raises NotFound."""
        stored = stored_id(access, shown)
        if not is_of_tenant(access, stored) or self.closed([shown], access):
            raise _not_found(shown)
        try:
            return self._store.delete(stored)
        except NotFound:
            raise _not_found(shown) from None


def shown_record(access: Access, record: DocumentRecord) -> DocumentRecord:
    """Returns a record with the id that a caller knows it by."""
    shown = shown_id(access, record.id)
    return record if shown == record.id else replace(record, id=shown)


def shown_chunk(access: Access, chunk: Chunk) -> Chunk:
    """Returns a chunk with the ids that a caller knows it by."""
    shown = shown_id(access, chunk.id)
    if shown == chunk.id:
        return chunk
    return replace(chunk, id=shown, document_id=shown_id(access, chunk.document_id))


def shown_hits(access: Access, hits: Iterable[ScoredChunk]) -> tuple[ScoredChunk, ...]:
    """Returns what was found with the ids that a caller knows it by."""
    return tuple(
        hit if (chunk := shown_chunk(access, hit.chunk)) is hit.chunk else replace(hit, chunk=chunk)
        for hit in hits
    )


def _shown_records(access: Access, records: Iterable[DocumentRecord]) -> tuple[DocumentRecord, ...]:
    return tuple(shown_record(access, record) for record in records)


def _stored_document(access: Access, document: IndexedDocument) -> IndexedDocument:
    """Returns a document as the index keeps it: its record says who may read its chunks."""
    stored = stored_id(access, document.record.id)
    check_new_id(access, stored)
    acl = document.record.acl
    return replace(
        document,
        record=replace(document.record, id=stored),
        chunks=tuple(
            replace(chunk, id=stored_id(access, chunk.id), document_id=stored, acl=acl)
            for chunk in document.chunks
        ),
    )


def _is_named(record: DocumentRecord, named: str) -> bool:
    wanted = named.casefold()
    return any(wanted in text.casefold() for text in (record.path, record.title, record.id))


def _not_found(shown: str) -> NotFound:
    return NotFound(f"There is no document '{shown}'.", _STAGE)
