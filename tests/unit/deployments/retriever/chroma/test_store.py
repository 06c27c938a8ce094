"""Chunks and the list of documents in a real, embedded Chroma."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deployments.contracts.documents import (
    Chunk,
    DocumentRecord,
    IndexedDocument,
    Part,
    Scalar,
    chunk_id,
)
from deployments.contracts.errors import InvalidRequest, NotFound, StageFailed, Unavailable
from deployments.contracts.search import Filter
from deployments.contracts.tenants import DEFAULT_ACCESS, Access
from deployments.contracts.vectors import Vectors
from deployments.retriever.chroma import store as store_module
from deployments.retriever.chroma.store import ChromaStore, Search
from deployments.retriever.chroma.versions import Version
from deployments.retriever.config import StoreArgs
from tests.doubles import vector_of

_NUMBERS = count()
FIRST_SEQUENCE = 1_767_225_600_000_000_001  # nanoseconds: more digits than a float keeps


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chroma")


@pytest.fixture
def store(folder: Path) -> ChromaStore:
    """A store of its own: opening a folder costs more than naming a collection."""
    return ChromaStore(StoreArgs(path=str(folder), collection=f"tests-{next(_NUMBERS)}"))


@pytest.fixture(scope="module")
def teams(folder: Path) -> ChromaStore:
    """A store that is only read: two documents with metadata."""
    store = ChromaStore(StoreArgs(path=str(folder), collection="teams"))
    store.replace(
        [
            indexed("red", "red one", team="red", year=2024, live=False),
            indexed("blue", "blue one", team="blue", year=2025, live=True),
        ]
    )
    return store


@pytest.fixture(scope="module")
def overtaken(folder: Path) -> ChromaStore:
    """A store that is only read: documents d1 to d6, not written in the order of their arrival."""
    store = ChromaStore(StoreArgs(path=str(folder), collection="overtaken"))
    for number in (3, 4, 1, 6, 2, 5):
        store.replace([indexed(f"d{number}", "text", sequence=FIRST_SEQUENCE + number)])
    return store


def indexed(
    document_id: str,
    *texts: str,
    sequence: int = FIRST_SEQUENCE,
    fingerprint: str = "mark",
    **metadata: Scalar,
) -> IndexedDocument:
    record = DocumentRecord(
        document_id,
        f"{document_id}.md",
        document_id.title(),
        fingerprint,
        len(texts),
        "2026-01-01T00:00:00+00:00",
        sequence,
        metadata,
    )
    chunks = tuple(
        Chunk(
            chunk_id(document_id, ordinal),
            document_id,
            ordinal,
            text,
            record.path,
            record.title,
            heading="Part",
            page=ordinal or None,
            metadata=metadata,
        )
        for ordinal, text in enumerate(texts)
    )
    return IndexedDocument(record, chunks, np.stack([vector_of(text) for text in texts]))


def found(
    store: ChromaStore, query: str, *, top_k: int = 10, where: Filter | None = None
) -> list[str]:
    [texts] = texts_of(store, [Search(vector_of(query), top_k, where, DEFAULT_ACCESS)])
    return texts


def texts_of(store: ChromaStore, searches: Sequence[Search]) -> list[list[str]]:
    """Returns the texts of the hits of each search, in their order."""
    return [
        [store.texts([chunk_id])[chunk_id].text for chunk_id in hits]
        for hits in store.search(searches)
    ]


def all_pages(store: ChromaStore, *, limit: int) -> list[str]:
    ids: list[str] = []
    after: int | None = 0
    while after is not None:
        page = store.page(after=after, limit=limit, access=Access.everything())
        assert len(page.records) <= limit
        ids += [record.id for record in page.records]
        after = page.next_sequence
    return ids


def test_what_was_written_is_found_nearest_first(store: ChromaStore) -> None:
    document = indexed("fruit", "red apples", "green pears", "old cars")
    store.replace([document])
    [hits] = store.search([Search(vector_of("red apples"), 2, None, DEFAULT_ACCESS)])
    first, second = hits
    assert store.texts([first, "unknown"]) == {first: document.chunks[0]}
    assert hits[first] == pytest.approx(1.0, abs=1e-5)
    assert hits[second] < hits[first]
    assert store.texts([]) == {}


def test_equal_scores_are_ordered_by_chunk_id(store: ChromaStore) -> None:
    store.replace([indexed("b", "same", "same"), indexed("a", "same")])
    [hits] = store.search([Search(vector_of("same"), 3, None, DEFAULT_ACCESS)])
    assert list(hits) == ["a-00000", "b-00000", "b-00001"]


def test_searches_of_several_callers_are_answered_each_in_its_place(store: ChromaStore) -> None:
    texts = ["red apples", "green pears", "old cars"]
    store.replace([indexed(f"d{number}", text, year=number) for number, text in enumerate(texts)])
    searches = [
        Search(vector_of("old cars"), 1, None, DEFAULT_ACCESS),
        Search(vector_of("old cars"), 3, {"year": {"$lt": 2}}, DEFAULT_ACCESS),
        Search(vector_of("red apples"), 1, None, DEFAULT_ACCESS),
        Search(vector_of("red apples"), 1, {"year": {"$lt": 2}}, DEFAULT_ACCESS),
        Search(vector_of("green pears"), 1, {"year": {"$in": [2]}}, DEFAULT_ACCESS),
    ]
    found = texts_of(store, searches)
    assert found == [
        ["old cars"],
        sorted(["red apples", "green pears"], key=found[1].index),
        ["red apples"],
        ["red apples"],
        ["old cars"],
    ]
    assert found == [texts_of(store, [one])[0] for one in searches]


def test_an_empty_store_finds_nothing(store: ChromaStore) -> None:
    assert found(store, "anything") == []
    assert store.records(["nobody"]) == {}
    assert store.records([]) == {}
    assert store.page(after=0, limit=10, access=Access.everything()).records == ()
    store.ping()


@pytest.mark.parametrize(
    ("where", "texts"),
    [
        ({"team": "red"}, {"red one"}),
        ({"year": {"$gte": 2025}}, {"blue one"}),
        ({"path": "red.md"}, {"red one"}),
        ({"$or": [{"team": "red"}, {"team": "blue"}]}, {"red one", "blue one"}),
        ({"team": {"$nin": ["red", "blue"]}}, set()),
        ({"live": True}, {"blue one"}),
        ({}, {"red one", "blue one"}),
    ],
    ids=["equal", "compared", "own-key", "either", "neither", "truth", "empty"],
)
def test_filters_ask_for_metadata(teams: ChromaStore, where: Filter, texts: set[str]) -> None:
    assert set(found(teams, "one", where=where)) == texts


@pytest.mark.parametrize(
    "where",
    [
        {"team": {"$like": "x"}},
        {"a": 1, "b": 2},
        {"team": None},
        {"$and": []},
        {"$nothing": [{"a": 1}]},
        {"team": {"$dimension": 1}},
        {"team": [1]},
    ],
    ids=["operator", "two-keys", "null", "and-of-none", "connective", "dimension", "list"],
)
def test_a_filter_that_makes_no_sense_is_the_callers_fault(
    teams: ChromaStore, where: Filter
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        found(teams, "text", where=where)
    assert caught.value.stage == "retriever"


def test_fewer_chunks_remove_the_stale_ones_of_that_document_alone(store: ChromaStore) -> None:
    store.replace([indexed("a", "a one", "a two", "a three"), indexed("b", "b one", "b two")])
    store.replace([indexed("a", "a new")])
    assert set(found(store, "a")) == {"a new", "b one", "b two"}
    assert store.records(["a"])["a"].chunk_count == 1


def test_many_chunks_are_written_in_several_batches(
    store: ChromaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_WRITE_BATCH", 3)
    texts = [f"text {number}" for number in range(8)]
    store.replace([indexed("a", *texts)])
    assert set(found(store, "text")) == set(texts)
    store.replace([indexed("a", "text 0")])
    assert found(store, "text") == ["text 0"]


def test_records_tell_what_is_known(store: ChromaStore) -> None:
    document = indexed("a", "text", team="red", year=2024, ratio=0.5, live=True)
    store.replace([document, indexed("b", "text")])
    assert store.records(["a", "nobody"]) == {"a": document.record}


def test_deleting_removes_the_document_alone(store: ChromaStore) -> None:
    store.replace([indexed("a", "a one", "a two"), indexed("b", "b one")])
    assert store.delete("a") == 2
    assert found(store, "one") == ["b one"]
    assert all_pages(store, limit=10) == ["b"]
    with pytest.raises(NotFound) as caught:
        store.delete("a")
    assert caught.value.stage == "retriever"


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7, 100])
def test_pages_lose_nobody_although_writes_overtake_each_other(
    overtaken: ChromaStore, limit: int
) -> None:
    """Documents are numbered when they are split, and written after they are embedded."""
    assert all_pages(overtaken, limit=limit) == [f"d{number}" for number in range(1, 7)]


def test_an_update_keeps_its_place(store: ChromaStore) -> None:
    ids = ["a", "b", "c"]
    store.replace([indexed(one, one, sequence=FIRST_SEQUENCE + n) for n, one in enumerate(ids)])
    store.replace([indexed("a", "new", "text", fingerprint="other")])
    assert all_pages(store, limit=2) == ids
    record = store.records(["a"])["a"]
    assert (record.fingerprint, record.sequence, record.chunk_count) == ("other", FIRST_SEQUENCE, 2)


def break_after(monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """Lets some batches of chunks through, then the store is gone."""
    real = store_module._insert
    done = 0

    def insert(collection: Any, chunks: Sequence[Chunk], vectors: Vectors, write_id: str) -> None:
        nonlocal done
        if done == writes:
            raise OSError("connection lost")
        done += 1
        real(collection, chunks, vectors, write_id)

    monkeypatch.setattr(store_module, "_WRITE_BATCH", 2)
    monkeypatch.setattr(store_module, "_insert", insert)


@pytest.mark.parametrize("writes", [0, 1])
def test_an_interrupted_write_has_changed_nothing(
    store: ChromaStore, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    old = indexed("a", "old one", "old two")
    store.replace([old])
    with monkeypatch.context() as broken:
        break_after(broken, writes)
        with pytest.raises(Unavailable):
            store.replace([indexed("a", "new one", "new two", "new three", fingerprint="new")])
    assert store.records(["a"]) == {"a": old.record}
    assert set(found(store, "one")) == {"old one", "old two"}
    store.replace([indexed("a", "new one", "new two", "new three", fingerprint="new")])
    assert set(found(store, "one")) == {"new one", "new two", "new three"}
    assert store.records(["a"])["a"].fingerprint == "new"
    assert store.chroma.chunks().count() == 3


def test_a_first_write_that_was_interrupted_is_not_there(
    store: ChromaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        break_after(broken, 1)
        with pytest.raises(Unavailable):
            store.replace([indexed("a", "cut one", "cut two", "cut three")])
    assert store.records(["a"]) == {}
    assert found(store, "one") == all_pages(store, limit=10) == []
    with pytest.raises(NotFound):
        store.delete("a")
    store.replace([indexed("a", "short")])
    assert found(store, "one") == ["short"]
    assert store.chroma.chunks().count() == 1


def test_an_interrupted_deletion_can_be_repeated(
    store: ChromaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.replace([indexed("a", "one")])
    with monkeypatch.context() as broken:

        def announce(*_: object) -> None:
            raise Unavailable("connection lost", "retriever", 1.0)

        broken.setattr(store.changes, "announce", announce)
        with pytest.raises(Unavailable):
            store.delete("a")
    assert store.delete("a") == 1, "other replicas may still find it"
    assert found(store, "one") == []
    with pytest.raises(NotFound):
        store.delete("a")


def test_nobody_at_the_address_is_unavailable_every_time() -> None:
    store = ChromaStore(StoreArgs(url="http://127.0.0.1:9"))
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            store.ping()
        assert caught.value.stage == "retriever"
        assert caught.value.retry_after_s
        assert not re.search(r"127\.0\.0\.1|/|Traceback", caught.value.message)


def test_vectors_of_another_model_are_a_failure_of_ours(store: ChromaStore) -> None:
    one = indexed("a", "text")
    store.replace([one])
    longer = np.ones((1, 7), dtype=np.float32)
    with pytest.raises(StageFailed, match="another embedding model"):
        store.search([Search(longer[0], 1, None, DEFAULT_ACCESS)])
    with pytest.raises(StageFailed, match="another embedding model"):
        store.replace([IndexedDocument(one.record, one.chunks, longer)])


def test_characters_survive(store: ChromaStore) -> None:
    texts = [
        "Größe und Überlauf",
        "猫は窓の上に座っています",
        "🎉👩‍👩‍👧 party",
        "quote ' \" ; DROP TABLE x; --",
        "a\nb\tc\\",
    ]
    written = [indexed(f"d{number}", text, note=text) for number, text in enumerate(texts)]
    store.replace(written)
    for document, text in zip(written, texts, strict=True):
        [[hit]] = store.search([Search(vector_of(text), 1, {"note": text}, DEFAULT_ACCESS)])
        assert store.texts([hit]) == {hit: document.chunks[0]}
        assert store.records([document.record.id]) == {document.record.id: document.record}


def test_two_collections_of_one_store_know_nothing_of_each_other(folder: Path) -> None:
    one, other = (ChromaStore(StoreArgs(path=str(folder), collection=c)) for c in ("one", "two"))
    one.replace([indexed("a", "text")])
    assert other.records(["a"]) == {}
    assert found(other, "text") == []


def with_parts(document: IndexedDocument, *parts: Part) -> IndexedDocument:
    return replace(document, parts=parts)


def test_documents_are_kept_as_they_came(store: ChromaStore) -> None:
    parts = (Part("Grüße, 你好 🙂\n\n", 1), Part("x" * 100_000, None))
    store.replace([with_parts(indexed("a", "one", "two", team="red"), *parts)])
    page = store.sources(after=0, limit=10, access=Access.everything())
    [document] = page.documents
    assert (document.id, document.path, document.title) == ("a", "a.md", "A")
    assert document.parts == parts
    assert document.metadata == {"team": "red"}
    assert (page.next_sequence, page.total) == (None, 1)


def test_how_a_text_is_read_comes_back_with_chunks_and_source(store: ChromaStore) -> None:
    plain, markdown = indexed("plain", "# of it: 1"), indexed("markdown", "# Heading")
    chunks = tuple(replace(chunk, markup="plain") for chunk in plain.chunks)
    store.replace(
        [
            replace(plain, chunks=chunks, parts=(Part("# of it: 1", 2),)),
            replace(markdown, parts=(Part("# Heading"),)),
        ]
    )
    read = store.texts([chunks[0].id, markdown.chunks[0].id])
    assert [one.markup for one in (read[chunks[0].id], read[markdown.chunks[0].id])] == [
        "plain",
        "markdown",
    ]
    assert read[chunks[0].id].metadata == chunks[0].metadata
    documents = {
        one.id: one
        for one in store.sources(after=0, limit=10, access=Access.everything()).documents
    }
    assert documents["plain"].markup == "plain"
    assert documents["plain"].parts == (Part("# of it: 1", 2),)
    assert documents["markdown"].markup == "markdown"


def test_a_source_goes_with_its_document(store: ChromaStore) -> None:
    store.replace([with_parts(indexed("a", "one"), Part("one"))])
    store.replace([with_parts(indexed("a", "two"), Part("two"))])
    assert store.sources(after=0, limit=1, access=Access.everything()).documents[0].parts == (
        Part("two"),
    )
    store.delete("a")
    store.replace([indexed("a", "three")])
    page = store.sources(after=0, limit=1, access=Access.everything())
    assert (len(page.records), page.documents) == (1, ())


@pytest.mark.parametrize("limit", [1, 2, 9])
def test_a_page_has_a_document_that_is_replaced_while_it_is_made(
    store: ChromaStore, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    for number in range(1, 4):
        store.replace([indexed(f"d{number}", "text", sequence=FIRST_SEQUENCE + number)])
    look = store.documents.latest

    def replaced_first(document_ids: Sequence[str]) -> dict[str, Version]:
        store.replace([indexed("d2", "another text", sequence=FIRST_SEQUENCE + 2)])
        return look(document_ids)

    monkeypatch.setattr(store.documents, "latest", replaced_first)
    assert all_pages(store, limit=limit) == ["d1", "d2", "d3"]


def test_long_sources_make_short_pages(store: ChromaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MAX_TEXT_CHARS", 25)
    for number in range(4):
        one = indexed(f"d{number}", "text", sequence=FIRST_SEQUENCE + number)
        store.replace([with_parts(one, Part("x" * (30 if number == 2 else 10)))])
    found, after = [], 0
    while True:
        page = store.sources(after=after, limit=10, access=Access.everything())
        found.append([document.id for document in page.documents])
        if page.next_sequence is None:
            break
        after = page.next_sequence
    assert found == [["d0", "d1"], ["d2"], ["d3"]]
