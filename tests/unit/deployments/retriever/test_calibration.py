"""The calibration and the sample of a collection in a real, embedded Chroma."""

from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from deployments.contracts.documents import Chunk, DocumentRecord, IndexedDocument, chunk_id
from deployments.contracts.search import Calibration, CollectionFacts
from deployments.contracts.tenants import Access
from deployments.retriever import calibration as module
from deployments.retriever.calibration import Calibrations, collection_facts, sample_chunks
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.config import StoreArgs
from tests.doubles import vector_of

_NUMBERS = count()
FITTED = Calibration(0.526, "model", 3, 40, 30, 100, 0.97, 0.96, "2026-01-01T00:00:00+00:00")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chroma")


@pytest.fixture
def store(folder: Path) -> ChromaStore:
    """A store of its own: opening a folder costs more than naming a collection."""
    return store_of(folder, f"tests-{next(_NUMBERS)}")


def store_of(folder: Path, collection: str) -> ChromaStore:
    return ChromaStore(StoreArgs(path=str(folder), collection=collection))


def write(store: ChromaStore, sizes: Sequence[int]) -> None:
    store.replace([indexed(f"d{number}", size) for number, size in enumerate(sizes, start=1)])


def indexed(document_id: str, size: int) -> IndexedDocument:
    path = f"{document_id}.md"
    record = DocumentRecord(document_id, path, "", "mark", size, "2026-01-01", int(document_id[1:]))
    texts = [f"{document_id} text {ordinal}" for ordinal in range(size)]
    chunks = tuple(
        Chunk(chunk_id(document_id, ordinal), document_id, ordinal, text, path, "")
        for ordinal, text in enumerate(texts)
    )
    return IndexedDocument(record, chunks, np.stack([vector_of(text) for text in texts]))


def test_a_collection_begins_without_a_calibration(store: ChromaStore) -> None:
    known = Calibrations(store.chroma)
    assert known.latest is None
    assert collection_facts(store, known, Access.everything()) == CollectionFacts(0, 0, None)


def test_what_was_stored_is_found_by_the_next_start(store: ChromaStore, folder: Path) -> None:
    known = Calibrations(store.chroma)
    known.write(FITTED)
    assert known.latest == FITTED
    other = Calibrations(store_of(folder, store.chroma.chunks().name).chroma)
    assert other.latest is None, "it asks nobody"
    assert other.read() == FITTED
    assert other.latest == FITTED


def test_a_calibration_replaces_the_former_one(store: ChromaStore) -> None:
    known = Calibrations(store.chroma)
    known.write(FITTED)
    later = Calibration(0.6, "other", 9, 90, 80, 100, 1.0, 1.0, "2026-02-01T00:00:00+00:00")
    known.write(later)
    assert known.read() == later


@pytest.mark.parametrize("text", ["{", "[]", '{"score": 1}'])
def test_what_another_version_stored_counts_as_nothing(store: ChromaStore, text: str) -> None:
    Calibrations(store.chroma).write(FITTED)
    store.chroma.beside("calibration").update(ids=["calibration"], metadatas=[{"fitted": text}])
    assert Calibrations(store.chroma).read() is None


def test_facts_count_documents_and_chunks(store: ChromaStore) -> None:
    write(store, [2, 3])
    known = Calibrations(store.chroma)
    known.write(FITTED)
    assert collection_facts(store, known, Access.everything()) == CollectionFacts(2, 5, FITTED)


def test_a_sample_is_some_chunks_each_once_and_always_the_same(
    store: ChromaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE_IDS", 7)
    write(store, [5] * 6)
    drawn = sample_chunks(store, limit=10, access=Access.everything())
    assert len({chunk.id for chunk in drawn}) == 10
    assert all(chunk.text.startswith(chunk.document_id) for chunk in drawn)
    assert sample_chunks(store, limit=10, access=Access.everything()) == drawn
    assert len(sample_chunks(store, limit=100, access=Access.everything())) == 30


def test_a_sample_comes_from_everywhere(
    store: ChromaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE_IDS", 8)
    write(store, [10] * 4)
    drawn: Counter[str] = Counter()
    for seed in range(40):
        monkeypatch.setattr(module, "_SEED", seed)
        drawn.update(
            chunk.document_id for chunk in sample_chunks(store, limit=8, access=Access.everything())
        )
    # 320 draws, 80 from each document on average, with a standard deviation of 7.
    assert set(drawn) == {"d1", "d2", "d3", "d4"}
    assert min(drawn.values()) > 50


def test_nothing_gives_an_empty_sample(store: ChromaStore) -> None:
    assert sample_chunks(store, limit=5, access=Access.everything()) == []
