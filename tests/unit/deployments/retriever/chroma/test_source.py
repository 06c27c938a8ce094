"""Fingerprints and chunks as a real, embedded Chroma holds them."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from deployments.contracts.documents import Chunk, DocumentRecord, IndexedDocument, chunk_id
from deployments.retriever.chroma import source as content_module
from deployments.retriever.chroma.source import StoredContent
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.chroma.versions import Version
from deployments.retriever.config import StoreArgs


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ChromaStore:
    """Documents d0 to d4 of d's number of chunks plus one."""
    store = ChromaStore(StoreArgs(path=str(tmp_path_factory.mktemp("content"))))
    for number in range(5):
        name = f"d{number}"
        record = DocumentRecord(
            name,
            f"{name}.md",
            "Title",
            f"mark-{number}",
            number + 1,
            "2026-01-01T00:00:00+00:00",
            number + 1,
            {"number": number},
        )
        chunks = tuple(
            Chunk(
                chunk_id(name, ordinal),
                name,
                ordinal,
                f"text {ordinal}",
                record.path,
                record.title,
                page=ordinal or None,
                metadata=record.metadata,
            )
            for ordinal in range(number + 1)
        )
        vectors = np.eye(8, dtype=np.float32)[: number + 1]
        store.replace([IndexedDocument(record, chunks, vectors)])
    return store


@pytest.fixture
def content(store: ChromaStore) -> StoredContent:
    return StoredContent(store)


def marks(versions: Mapping[str, Version]) -> dict[str, str]:
    return {name: version.record.fingerprint for name, version in versions.items()}


def test_versions_of_all_page_by_page(
    content: StoredContent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_module, "_PAGE_RECORDS", 2)
    assert marks(content.versions()) == {f"d{number}": f"mark-{number}" for number in range(5)}


def test_versions_of_some(content: StoredContent) -> None:
    assert marks(content.versions(["d1", "unknown"])) == {"d1": "mark-1"}
    assert content.versions([]) == {}


@pytest.mark.parametrize("page_chunks", [2, 5, 100])
def test_chunks_come_whole_with_their_vectors(
    content: StoredContent, monkeypatch: pytest.MonkeyPatch, page_chunks: int
) -> None:
    monkeypatch.setattr(content_module, "_PAGE_CHUNKS", page_chunks)
    pages = list(content.chunks(content.versions(["d1", "d2", "unknown"])))
    assert all(len(chunks) == len(vectors) <= page_chunks for chunks, vectors in pages)
    found = {
        chunk.id: (chunk, vector)
        for chunks, vectors in pages
        for chunk, vector in zip(chunks, vectors, strict=True)
    }
    assert sorted(found) == [
        *("d1-00000", "d1-00001"),
        *("d2-00000", "d2-00001", "d2-00002"),
    ]
    last, vector = found["d2-00002"]
    expected = Chunk("d2-00002", "d2", 2, "text 2", "d2.md", "Title", page=2)
    assert last == replace(expected, metadata={"number": 2})
    assert vector.tolist() == np.eye(8)[2].tolist()
    assert list(content.chunks({})) == []


def test_announcements_are_the_log_s(content: StoredContent, store: ChromaStore) -> None:
    writes = [(f"d{number}",) for number in range(5)]
    assert [log.recent for log in content.logs().values()] == [tuple(writes)]
    store.changes.announce(["d1"])
    assert list(content.numbers().values()) == [6]
    assert [log.recent for log in content.logs().values()] == [(*writes, ("d1",))]
