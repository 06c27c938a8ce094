"""Databases, and collections of a real, embedded Chroma."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from deployments.contracts.documents import (
    Chunk,
    DocumentRecord,
    IndexedDocument,
    Part,
    chunk_id,
)
from deployments.retriever.chroma import change_log
from deployments.retriever.config import StoreArgs
from tests.doubles import vector_of
from tests.unit.deployments.control.conftest import postgresql_url, url  # noqa: F401

_NUMBERS = count()
MakeStore = Callable[[], StoreArgs]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No write waits for replicas, of which there are none."""
    monkeypatch.setattr(change_log, "LEASE_S", 0.0)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chroma")


@pytest.fixture
def make_store(folder: Path) -> MakeStore:
    """Makes empty collections."""

    def make() -> StoreArgs:
        return StoreArgs(path=str(folder), collection=f"backup-{next(_NUMBERS)}")

    return make


def indexed(name: str, text: str, *, chunks: int = 3, sequence: int = 1) -> IndexedDocument:
    """Returns a document each of whose chunks says which text it is of."""
    parts = tuple(
        Chunk(chunk_id(name, place), name, place, f"{text} {place}", f"{name}.md", name)
        for place in range(chunks)
    )
    record = DocumentRecord(name, f"{name}.md", name, f"mark {text}", chunks, "2026", sequence)
    vectors = np.stack([vector_of(chunk.text) for chunk in parts])
    return IndexedDocument(record, parts, vectors, (Part(text),))
