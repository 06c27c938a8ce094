"""The documents of one collection with their vectors, row by row as the store has them, and back.

While documents are replaced, each is copied as one write left it: its record says what counts, and
one whose chunks went while they were read is read again. Nothing is computed anew, so that answers
after a restoration are those of before.
"""

import base64
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from app.backup.archive import ArchiveReader, ArchiveWriter, Row
from deployments.contracts.tenants import Access
from deployments.retriever.chroma.connection import Chroma, no_vectors
from deployments.retriever.chroma.source import StoredContent
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.chroma.versions import Version, parse_row_id, row_id
from deployments.retriever.config import StoreArgs

FOLDER = "documents"
_CALIBRATION = "calibration"
_GROUP_DOCUMENTS = 32
_PAGE_ROWS = 200
_READS = 4
"""How often a document is read that is replaced meanwhile."""
_WRITE_ROWS = 500
_ALL = ["documents", "metadatas", "embeddings"]
_BESIDE = ["documents", "metadatas"]
_COLLECTIONS = ("chunks", "sources", "documents")
"""In the order in which rows are written: the record of a document, which makes it count, last."""
OnDocuments = Callable[[int], None]
"""Told of how many more documents are done."""


class Collection:
    """One collection of documents, and those beside it.

    Args:
        args: Where it is.
    """

    def __init__(self, args: StoreArgs) -> None:
        self.name = args.collection
        self._chroma = Chroma(args)
        self._store = ChromaStore(args, self._chroma)
        self._content = StoredContent(self._store)

    def close(self) -> None:
        """Gives back connections."""
        self._chroma.close()

    def count(self) -> int:
        """Returns how many documents there are."""
        return self._store.documents.count(Access.everything())

    def write_to(self, archive: ArchiveWriter, on_documents: OnDocuments) -> dict[str, Any]:
        """Copies all documents; returns what the manifest says of them: how many documents and
        rows, and which the store does not have whole."""
        versions = self._content.versions()
        ids = sorted(versions, key=lambda name: versions[name].record.sequence)
        rows, damaged = 0, []
        for number, start in enumerate(range(0, len(ids), _GROUP_DOCUMENTS)):
            group = {name: versions[name] for name in ids[start : start + _GROUP_DOCUMENTS]}
            kept, torn = self._whole(group)
            rows += archive.add(f"{FOLDER}/{self.name}/{number:08d}.jsonl", kept)
            damaged += torn
            on_documents(len(group))
        calibration = self._get(self._beside(_CALIBRATION), _CALIBRATION, _BESIDE)
        archive.add(f"{FOLDER}/{self.name}/{_CALIBRATION}.jsonl", calibration)
        return {"documents": len(ids), "rows": rows, "damaged": damaged}

    def read_from(self, archive: ArchiveReader, name: str, on_documents: OnDocuments) -> None:
        """Puts in the documents of a collection of a backup, and tells running replicas."""
        for member in archive.names(f"{FOLDER}/{name}"):
            by_collection: dict[str, list[Row]] = {}
            for row in archive.rows(member):
                by_collection.setdefault(row["in"], []).append(row)
            if calibration := by_collection.get(_CALIBRATION):
                self._put(_CALIBRATION, calibration)
                continue
            documents = [parse_row_id(row["id"])[0] for row in by_collection.get("documents", [])]
            # What says of a document that it was deleted, later than the backup, would hide it.
            self._store.documents.remove(self._store.documents.versions(documents))
            for collection in _COLLECTIONS:
                self._put(collection, by_collection.get(collection, []))
            if documents:
                self._store.changes.announce(documents)
            on_documents(len(documents))

    def clear(self) -> None:
        """Removes all documents, and tells running replicas."""
        versions = list(self._content.versions().values())
        for start in range(0, len(versions), _GROUP_DOCUMENTS):
            self._store.bury(versions[start : start + _GROUP_DOCUMENTS])

    def _whole(self, versions: Mapping[str, Version]) -> tuple[list[Row], list[str]]:
        """Returns the rows of documents, each as one write left it, and those that never are."""
        kept: list[Row] = []
        for attempt in range(_READS):
            rows = self._rows(versions)
            counts = Counter(_document_of(row) for row in rows if row["in"] == "chunks")
            recorded = {_document_of(row) for row in rows if row["in"] == "documents"}
            torn = [
                name
                for name, version in versions.items()
                if counts[name] != version.record.chunk_count or name not in recorded
            ]
            if not torn or attempt == _READS - 1:
                return kept + rows, torn
            kept += [row for row in rows if _document_of(row) not in torn]
            versions = self._content.versions(torn)
        raise AssertionError("the last turn returns")

    def _rows(self, versions: Mapping[str, Version]) -> list[Row]:
        """Returns what there is of these versions. A later write removes the chunks of a former one
        before its source and its record: where all chunks are found, what was read before them was
        whole."""
        ids = [row_id(name, version.write_id) for name, version in versions.items()]
        found: list[Row] = []
        for collection in ("documents", "sources"):
            if ids:
                found += self._get(self._beside(collection), collection, _BESIDE, ids=ids)
        return found + self._chunks(versions)

    def _chunks(self, versions: Mapping[str, Version]) -> list[Row]:
        """Returns the rows of chunks that these versions have."""
        found: list[Row] = []
        if not versions:
            return found
        where = {"document_id": {"$in": list(versions)}}
        for offset in count(0, _PAGE_ROWS):
            page = self._get(
                self._chroma.chunks(),
                "chunks",
                _ALL,
                where=where,
                limit=_PAGE_ROWS,
                offset=offset,
            )
            found += [
                row
                for row in page
                if parse_row_id(row["id"])[1] == versions[row["metadata"]["document_id"]].write_id
            ]
            if len(page) < _PAGE_ROWS:
                break
        return found

    def _get(self, collection: Any, called: str, include: Sequence[str], **asked: Any) -> list[Row]:
        found = self._chroma.guard(partial(collection.get, include=list(include), **asked))
        rows = [
            {"in": called, "id": name, "text": text, "metadata": metadata}
            for name, text, metadata in zip(
                found["ids"], found["documents"], found["metadatas"], strict=True
            )
        ]
        if "embeddings" in include:
            for row, vector in zip(rows, found["embeddings"], strict=True):
                row["vector"] = _packed(vector)
        return rows

    def _put(self, called: str, rows: Sequence[Row]) -> None:
        collection = self._chroma.chunks() if called == "chunks" else self._beside(called)
        for start in range(0, len(rows), _WRITE_ROWS):
            batch = rows[start : start + _WRITE_ROWS]
            vectors = (
                np.stack([_unpacked(row["vector"]) for row in batch])
                if called == "chunks"
                else no_vectors(len(batch))
            )
            texts = [row["text"] for row in batch]
            self._chroma.guard(
                partial(
                    collection.upsert,
                    ids=[row["id"] for row in batch],
                    embeddings=vectors,
                    metadatas=[row["metadata"] for row in batch],
                    documents=None if None in texts else texts,
                )
            )

    def _beside(self, suffix: str) -> Any:
        return self._chroma.beside(suffix)


def _document_of(row: Row) -> str:
    return str(row["metadata"].get("document_id") or parse_row_id(row["id"])[0])


def _packed(vector: Any) -> str:
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode("ascii")


def _unpacked(text: str) -> Any:
    return np.frombuffer(base64.b64decode(text), dtype="<f4")
