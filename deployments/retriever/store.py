"""The adapter over Chroma: chunks with their vectors in one collection, the list of documents in
another.

A third one keeps the documents as they came, from which another version of the index can be made, a
fourth one announces changes to the lexical indexes of all replicas.

The document's record is the commit mark of a write. It is opened (its fingerprint empty) before
chunks change and closed after the last one, so that a write that was cut off is never taken for a
finished one.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from deployments.contracts.documents import (
    MAX_TEXT_CHARS,
    Chunk,
    Document,
    DocumentPage,
    DocumentRecord,
    IndexedDocument,
    SourcePage,
    Vectors,
    chunk_id,
)
from deployments.contracts.errors import NotFound
from deployments.contracts.search import Filter
from deployments.retriever.change_log import ChangeLog
from deployments.retriever.chroma import Chroma, no_vectors
from deployments.retriever.chroma_rows import read_chunks, row_metadata
from deployments.retriever.config import StoreArgs
from deployments.retriever.source_texts import SourceTexts

_STAGE = "retriever"
_WRITE_BATCH = 500
"""Chunks of one write: below the store's own bound, and small enough that searches get in between.
"""


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for: `vector` has shape (dim,)."""

    vector: Vectors
    top_k: int
    where: Filter | None


class ChromaStore:
    """Reads and writes one version's collection. Every method blocks; call it from a thread.

    Args:
        args: Address or folder, and the collection's name.
    """

    def __init__(self, args: StoreArgs) -> None:
        self.chroma = Chroma(args)
        self.changes = ChangeLog(lambda: self.chroma.beside("changes"), self.chroma.guard)

    def ping(self) -> None:
        """Raises Unavailable when the store does not answer."""
        self.chroma.ping()

    def search(self, searches: Sequence[Search]) -> list[dict[str, float]]:
        """Returns for each search the nearest chunks' ids with their cosines, in descending order,
        ties by chunk id. Searches that differ in the vector only are one question to the store."""
        alike: dict[tuple[int, str], list[int]] = {}
        for place, one in enumerate(searches):
            key = one.top_k, json.dumps(one.where, sort_keys=True, default=str)
            alike.setdefault(key, []).append(place)
        found: dict[int, dict[str, float]] = {}
        for places in alike.values():
            hits = self._query([searches[place] for place in places])
            found.update(zip(places, hits, strict=True))
        return [found[place] for place in range(len(searches))]

    def _query(self, searches: Sequence[Search]) -> list[dict[str, float]]:
        where = searches[0].where

        def query() -> Any:
            return self.chroma.chunks().query(
                query_embeddings=np.stack([one.vector for one in searches]),
                n_results=searches[0].top_k,
                where=dict(where) if where else None,
                include=["distances"],
            )

        found = self.chroma.guard(query)
        return [
            _ranked(ids, distances)
            for ids, distances in zip(found["ids"], found["distances"], strict=True)
        ]

    def texts(self, chunk_ids: Sequence[str]) -> dict[str, Chunk]:
        """Returns those chunks that are there."""
        if not chunk_ids:
            return {}
        include = ["documents", "metadatas"]
        found = self.chroma.guard(
            lambda: self.chroma.chunks().get(ids=list(chunk_ids), include=include)
        )
        return {chunk.id: chunk for chunk in read_chunks(found)}

    def records(self, document_ids: Sequence[str]) -> dict[str, DocumentRecord]:
        """Returns the records of those ids that are known."""
        if not document_ids:
            return {}
        found = self.chroma.guard(
            lambda: self._documents().get(ids=list(document_ids), include=["documents"])
        )
        return {record.id: record for record in _records(found)}

    def page(self, *, after: int, limit: int) -> DocumentPage:
        """Returns up to `limit` records whose sequence is above `after`, in order of arrival."""
        above: dict[str, object] = {"sequence": {"$gt": after}}
        records = self._records_where(above, limit=limit + 1)
        more = len(records) > limit
        if more:
            # The store counts in order of writing, and one request's writes may overtake another's.
            upto = {"sequence": {"$lte": records[-1].sequence}}
            records = self._records_where({"$and": [above, upto]})
        kept = tuple(records[:limit])
        return DocumentPage(kept, kept[-1].sequence if more and kept else None)

    def replace(self, documents: Sequence[IndexedDocument]) -> None:
        """Writes documents whole: new chunks in, chunks of the former text out, records last."""
        known = self.records([document.record.id for document in documents])
        self._write_records(
            _opened(document, known.get(document.record.id)) for document in documents
        )
        collection = self.chroma.chunks()
        chunks = [chunk for document in documents for chunk in document.chunks]
        vectors = np.concatenate([document.vectors for document in documents])
        for start in range(0, len(chunks), _WRITE_BATCH):
            rows = slice(start, start + _WRITE_BATCH)
            self.chroma.guard(partial(_upsert, collection, chunks[rows], vectors[rows]))
        stale = [
            chunk_id
            for document in documents
            for chunk_id in _stale_ids(known.get(document.record.id), len(document.chunks))
        ]
        for start in range(0, len(stale), _WRITE_BATCH):
            self.chroma.guard(partial(collection.delete, ids=stale[start : start + _WRITE_BATCH]))
        self._sources().write(documents)
        self.changes.announce([document.record.id for document in documents])
        self._write_records(document.record for document in documents)

    def sources(self, *, after: int, limit: int) -> SourcePage:
        """Returns documents as they came whose sequence is above `after`: up to `limit`, or as many
        as fit a message."""
        page = self.page(after=after, limit=limit)
        sources = self._sources()
        documents: list[Document] = []
        chars = 0
        for place, record in enumerate(page.records):
            parts = sources.read(record.id)
            own_chars = sum(len(part.text) for part in parts or ())
            if documents and chars + own_chars > MAX_TEXT_CHARS:
                page = DocumentPage(page.records[:place], page.records[place - 1].sequence)
                break
            chars += own_chars
            if parts is not None:
                document = Document(record.id, record.path, record.title, parts, record.metadata)
                documents.append(document)
        total = self.chroma.guard(lambda: self._documents().count())
        return SourcePage(page.records, tuple(documents), page.next_sequence, total)

    def delete(self, document_id: str) -> int:
        """Removes a document and returns how many chunks it had; raises NotFound."""
        record = self.records([document_id]).get(document_id)
        if record is None:
            raise NotFound(f"There is no document '{document_id}'.", _STAGE)
        self._write_records([replace(record, fingerprint="")])
        chunks = self.chroma.chunks()
        self.chroma.guard(lambda: chunks.delete(where={"document_id": document_id}))
        self._sources().delete(document_id)
        self.changes.announce([document_id])
        self.chroma.guard(lambda: self._documents().delete(ids=[document_id]))
        return record.chunk_count

    def _records_where(
        self, where: dict[str, object], *, limit: int | None = None
    ) -> list[DocumentRecord]:
        found = self.chroma.guard(
            lambda: self._documents().get(where=where, limit=limit, include=["documents"])
        )
        return sorted(_records(found), key=lambda record: record.sequence)

    def _write_records(self, records: Iterable[DocumentRecord]) -> None:
        batch = list(records)
        if not batch:
            return
        self.chroma.guard(
            lambda: self._documents().upsert(
                ids=[record.id for record in batch],
                embeddings=no_vectors(len(batch)),
                documents=[json.dumps(asdict(record)) for record in batch],
                metadatas=[{"sequence": record.sequence} for record in batch],
            )
        )

    def _documents(self) -> Any:
        return self.chroma.beside("documents")

    def _sources(self) -> SourceTexts:
        return SourceTexts(self.chroma.beside("sources"), self.chroma.guard)


def _upsert(collection: Any, chunks: Sequence[Chunk], vectors: Vectors) -> None:
    collection.upsert(
        ids=[chunk.id for chunk in chunks],
        embeddings=vectors,
        documents=[chunk.text for chunk in chunks],
        metadatas=[row_metadata(chunk) for chunk in chunks],
    )


def _opened(document: IndexedDocument, former: DocumentRecord | None) -> DocumentRecord:
    """Returns the record while the document is written: it counts every chunk that may be there, so
    that none is left behind if the write is cut off."""
    count = max(len(document.chunks), former.chunk_count if former else 0)
    return replace(former or document.record, fingerprint="", chunk_count=count)


def _stale_ids(former: DocumentRecord | None, chunk_count: int) -> list[str]:
    """Returns the ids of chunks that a shorter text no longer has."""
    if former is None:
        return []
    return [chunk_id(former.id, ordinal) for ordinal in range(chunk_count, former.chunk_count)]


def _ranked(ids: Sequence[str], distances: Sequence[float]) -> dict[str, float]:
    hits = sorted(zip(ids, distances, strict=True), key=lambda hit: (hit[1], hit[0]))
    return {found_id: 1.0 - float(distance) for found_id, distance in hits}


def _records(found: Any) -> list[DocumentRecord]:
    return [DocumentRecord(**json.loads(text)) for text in found["documents"]]
