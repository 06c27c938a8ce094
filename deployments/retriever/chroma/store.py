"""The adapter over Chroma: chunks with their vectors in one collection, the list of documents in
another.

A third one keeps the documents as they came, from which another version of the index can be made, a
fourth one announces changes to the indexes in memory of all replicas.

Writes share no row. A write stores its chunks under its own id, then the document's record, which
makes them count at once and in one place, then tells the replicas, and then removes what older
writes left. Cut off before the record, it has changed nothing; cut off after it, the record says
that the document has to be written again.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
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
)
from deployments.contracts.errors import NotFound, Unavailable
from deployments.contracts.search import Filter
from deployments.contracts.tenants import Access
from deployments.contracts.vectors import Vectors
from deployments.retriever.chroma.change_log import ChangeLog
from deployments.retriever.chroma.connection import Chroma
from deployments.retriever.chroma.document_records import DocumentRecords
from deployments.retriever.chroma.rows import document_of, read_rows, row_metadata
from deployments.retriever.chroma.source_texts import SourceTexts
from deployments.retriever.chroma.versions import (
    Version,
    latest,
    new_write_id,
    parse_row_id,
    row_id,
)
from deployments.retriever.chroma.where import where_for_chroma
from deployments.retriever.config import StoreArgs
from deployments.retriever.tenancy.fields import joined, where_likely, where_tenant

_STAGE = "retriever"
_WRITE_BATCH = 500
"""Chunks of one write: below the store's own bound, and small enough that searches get in between.
"""


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for, and for whom: `vector` has shape (dim,)."""

    vector: Vectors
    top_k: int
    where: Filter | None
    access: Access


class ChromaStore:
    """Reads and writes one version's collection. Documents go by the ids that they have in the
    index, and whose they are is nothing that it asks, but for what has to be found first: see
    `TenantDocuments`. Every method blocks; call it from a thread.

    Args:
        args: Address or folder, and the collection's name.
        chroma: The connection; None to open one.
    """

    def __init__(self, args: StoreArgs, chroma: Chroma | None = None) -> None:
        self.chroma = chroma or Chroma(args)
        self.changes = ChangeLog(lambda: self.chroma.beside("changes"), self.chroma.guard)
        self.documents = DocumentRecords(lambda: self.chroma.beside("documents"), self.chroma.guard)

    def ping(self) -> None:
        """Raises Unavailable when the store does not answer."""
        self.chroma.ping()

    def search(self, searches: Sequence[Search]) -> list[dict[str, float]]:
        """Returns for each search the nearest chunks' ids with their cosines, in descending order,
        ties by chunk id. Searches that differ in the vector only are one question to the store."""
        alike: dict[tuple[int, str, Access], list[int]] = {}
        for place, search in enumerate(searches):
            where = json.dumps(search.where, sort_keys=True, default=str)
            key = search.top_k, where, search.access
            alike.setdefault(key, []).append(place)
        found: dict[int, dict[str, float]] = {}
        for places in alike.values():
            hits = self._nearest([searches[place] for place in places])
            found.update(zip(places, hits, strict=True))
        return [found[place] for place in range(len(searches))]

    def _nearest(self, searches: Sequence[Search]) -> list[dict[str, float]]:
        """Asks for more where rows of writes that do not count were among the nearest."""
        top_k = asked = searches[0].top_k
        whose = where_likely(searches[0].access)
        while True:
            answers = self._query(searches, asked, whose)
            rows = {row for ids, _ in answers for row in ids}
            counts = self._counting(rows, searches[0].access)
            hits = [_ranked(ids, distances, counts) for ids, distances in answers]
            if all(
                len(ranked) >= top_k or len(ids) < asked
                for ranked, (ids, _) in zip(hits, answers, strict=True)
            ):
                return [dict(list(ranked.items())[:top_k]) for ranked in hits]
            whose = where_tenant(searches[0].access)
            asked *= 4

    def _query(
        self, searches: Sequence[Search], count: int, whose: Mapping[str, Any] | None
    ) -> list[tuple[list[str], list[float]]]:
        where, access = searches[0].where, searches[0].access
        asked = where_for_chroma(where, access) if where else None

        def query() -> Any:
            return self.chroma.chunks().query(
                query_embeddings=np.stack([search.vector for search in searches]),
                n_results=count,
                where=joined(asked, whose),
                include=["distances"],
            )

        found = self.chroma.guard(query)
        return list(zip(found["ids"], found["distances"], strict=True))

    def _counting(self, rows: Collection[str], access: Access) -> set[str]:
        """Returns those rows of chunks within reach whose write is the one that counts."""
        parsed = [(row, *parse_row_id(row)) for row in rows]
        documents = {document_of(chunk_id) for _, chunk_id, _ in parsed}
        there = self.documents.there(sorted(documents))
        return {
            row
            for row, chunk_id, write_id in parsed
            if (version := there.get(document_of(chunk_id)))
            and version.write_id == write_id
            and version.is_in_reach(access)
        }

    def texts(self, chunk_ids: Sequence[str]) -> dict[str, Chunk]:
        """Returns those chunks that are there."""
        if not chunk_ids:
            return {}
        there = self.documents.there(sorted({document_of(chunk_id) for chunk_id in chunk_ids}))
        rows = [
            row_id(chunk_id, version.write_id)
            for chunk_id in chunk_ids
            if (version := there.get(document_of(chunk_id)))
        ]
        return {chunk.id: chunk for _, chunk in self._rows(rows)}

    def sampled(self, rows: Sequence[str], *, access: Access) -> list[Chunk]:
        """Returns the chunks of those rows that count and are within reach, in the order of the
        rows."""
        counting = self._counting(rows, access)
        chunks = {
            row_id(chunk.id, write_id): chunk for write_id, chunk in self._rows(list(counting))
        }
        return [chunks[row] for row in rows if row in chunks]

    def records(self, document_ids: Sequence[str]) -> dict[str, DocumentRecord]:
        """Returns the records of those ids that are known; one without a fingerprint has to be
        written again."""
        there = self.documents.there(document_ids)
        return {document_id: version.known() for document_id, version in there.items()}

    def page(self, *, after: int, limit: int, access: Access) -> DocumentPage:
        """Returns up to `limit` records within reach whose sequence is above `after`, in order of
        arrival."""
        versions, following = self.documents.page(after=after, limit=limit, access=access)
        return DocumentPage(tuple(version.known() for version in versions), following)

    def replace(self, documents: Sequence[IndexedDocument]) -> None:
        """Writes documents whole: what is written counts in place of what was there, at once."""
        document_ids = [document.record.id for document in documents]
        write_id = new_write_id(self.documents.versions(document_ids))
        self._sources().write(documents, write_id)
        chunks = [chunk for document in documents for chunk in document.chunks]
        vectors = np.concatenate([document.vectors for document in documents])
        collection = self.chroma.chunks()
        for start in range(0, len(chunks), _WRITE_BATCH):
            rows = slice(start, start + _WRITE_BATCH)
            self.chroma.guard(partial(_insert, collection, chunks[rows], vectors[rows], write_id))
        self._finish([Version(document.record, write_id) for document in documents])

    def delete(self, document_id: str) -> int:
        """Removes a document and returns how many chunks it had; raises NotFound."""
        former = self.documents.latest([document_id]).get(document_id)
        if former is None or (former.is_deletion and former.is_announced):
            raise NotFound(f"There is no document '{document_id}'.", _STAGE)
        self.bury([former])
        return former.record.chunk_count

    def bury(self, versions: Sequence[Version]) -> None:
        """Removes documents whose latest versions these are. What is left of each is that it was
        deleted: nothing of what was in it, its title and its path included."""
        write_id = new_write_id(versions)
        self._finish(
            [Version(_forgotten(old.record), write_id, is_deletion=True) for old in versions]
        )

    def _finish(self, versions: Sequence[Version]) -> None:
        """Has a write count, tells the replicas, and removes what older ones left."""
        self.documents.write(versions)
        self.changes.announce([version.record.id for version in versions])
        self.documents.mark_announced(versions)
        # The write stands without it: what is left goes with the next one.
        with suppress(Unavailable):
            self.remove_older([version.record.id for version in versions])

    def remove_older(self, document_ids: Sequence[str]) -> None:
        """Removes what writes of these documents left that count no more, at whatever moment."""
        versions = self.documents.versions(document_ids)
        newest = latest(versions)
        if not newest:
            return
        collection = self.chroma.chunks()
        asked = {"document_id": {"$in": list(newest)}}
        found = self.chroma.guard(lambda: collection.get(where=asked, include=[]))
        parsed = [(row, *parse_row_id(row)) for row in found["ids"]]
        older = [
            row
            for row, chunk_id, write_id in parsed
            if write_id < newest[document_of(chunk_id)].write_id
        ]
        for start in range(0, len(older), _WRITE_BATCH):
            self.chroma.guard(partial(collection.delete, ids=older[start : start + _WRITE_BATCH]))
        self._sources().remove_older(newest)
        # Last: as long as there is a row to remove, there is a version that names its document.
        self.documents.remove([v for v in versions if v.write_id < newest[v.record.id].write_id])

    def sources(self, *, after: int, limit: int, access: Access) -> SourcePage:
        """Returns documents within reach as they came whose sequence is above `after`: up to
        `limit`, or as many as fit a message. All are counted for whoever reaches all."""
        versions, following = self.documents.page(after=after, limit=limit, access=access)
        sources = self._sources()
        documents: list[Document] = []
        chars = 0
        for place, version in enumerate(versions):
            record, source = version.record, sources.read(version)
            parts, markup = source or ((), "markdown")
            own_chars = sum(len(part.text) for part in parts)
            if documents and chars + own_chars > MAX_TEXT_CHARS:
                following = versions[place - 1].record.sequence
                versions = versions[:place]
                break
            chars += own_chars
            if source is not None:
                documents.append(
                    Document(
                        *(record.id, record.path, record.title, parts, record.metadata),
                        markup=markup,
                        acl=record.acl,
                    )
                )
        records = tuple(version.known() for version in versions)
        total = self.documents.count(access) if access.all_tenants else 0
        return SourcePage(records, tuple(documents), following, total)

    def _rows(self, rows: Sequence[str]) -> list[tuple[str, Chunk]]:
        if not rows:
            return []
        found = self.chroma.guard(
            lambda: self.chroma.chunks().get(ids=list(rows), include=["documents", "metadatas"])
        )
        return list(read_rows(found))

    def _sources(self) -> SourceTexts:
        return SourceTexts(self.chroma.beside("sources"), self.chroma.guard)


def _forgotten(record: DocumentRecord) -> DocumentRecord:
    return replace(record, path="", title="", fingerprint="", metadata={})


def _insert(collection: Any, chunks: Sequence[Chunk], vectors: Vectors, write_id: str) -> None:
    collection.upsert(
        ids=[row_id(chunk.id, write_id) for chunk in chunks],
        embeddings=vectors,
        documents=[chunk.text for chunk in chunks],
        metadatas=[row_metadata(chunk) for chunk in chunks],
    )


def _ranked(
    rows: Sequence[str], distances: Sequence[float], counting: Collection[str]
) -> dict[str, float]:
    hits = [
        (parse_row_id(row)[0], float(distance))
        for row, distance in zip(rows, distances, strict=True)
        if row in counting
    ]
    return {chunk_id: 1.0 - distance for chunk_id, distance in sorted(hits, key=_nearest_first)}


def _nearest_first(hit: tuple[str, float]) -> tuple[float, str]:
    return hit[1], hit[0]
