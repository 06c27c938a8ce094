"""Documents of a store as several callers see them."""

from collections.abc import Sequence

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
from deployments.contracts.errors import Forbidden, InvalidRequest, NotFound
from deployments.contracts.tenants import DEFAULT_ACCESS, Access, Acl
from deployments.retriever.chroma import change_log
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.chroma.versions import row_id
from deployments.retriever.tenancy import documents as tenancy_documents
from deployments.retriever.tenancy.documents import TenantDocuments
from deployments.retriever.tenancy.erasing import erase_some
from tests.memory_chroma import MemoryChroma, MemoryCollection
from tests.store_replicas import ARGS

ACME = Access("acme")
STAFF = Access("acme", frozenset({"staff"}))
EVERYTHING = Access.everything()


@pytest.fixture
def collections(monkeypatch: pytest.MonkeyPatch) -> dict[str, MemoryCollection]:
    monkeypatch.setattr(change_log, "LEASE_S", 0.0)
    return {}


@pytest.fixture
def store(collections: dict[str, MemoryCollection]) -> ChromaStore:
    return ChromaStore(ARGS, MemoryChroma(collections))


@pytest.fixture
def documents(store: ChromaStore) -> TenantDocuments:
    return TenantDocuments(store)


def indexed(
    name: str, sequence: int, text: str = "text", acl: Acl = None, count: int = 2
) -> IndexedDocument:
    chunks = tuple(
        Chunk(chunk_id(name, ordinal), name, ordinal, f"{text} {ordinal}", f"{name}.md", "Title")
        for ordinal in range(count)
    )
    record = DocumentRecord(name, f"{name}.md", "Title", text, count, "2026", sequence, acl=acl)
    return IndexedDocument(record, chunks, np.ones((count, 3), dtype=np.float32), (Part(text),))


def names(documents: TenantDocuments, access: Access, limit: int = 100) -> list[str]:
    """Ids of all pages."""
    found: list[str] = []
    after: int | None = 0
    while after is not None:
        page = documents.page(after=after, limit=limit, access=access)
        assert len(page.records) <= limit
        found += [record.id for record in page.records]
        after = page.next_sequence
        assert after in (None, *(record.sequence for record in page.records[-1:]))
    return found


def test_equal_ids_of_two_tenants_are_two_documents(documents: TenantDocuments) -> None:
    for access, text in ((DEFAULT_ACCESS, "ours"), (ACME, "theirs")):
        documents.replace([indexed("d", 1, text)], access)
    assert documents.record("d", DEFAULT_ACCESS).fingerprint == "ours"
    assert documents.record("d", ACME).fingerprint == "theirs"
    assert documents.records(["d", "acme/d"], EVERYTHING).keys() == {"d", "acme/d"}
    assert documents.delete("d", ACME) == 2
    assert documents.record("d", DEFAULT_ACCESS).fingerprint == "ours"
    with pytest.raises(NotFound, match="There is no document 'd'"):
        documents.record("d", ACME)


@pytest.mark.parametrize("asked", ["acme/d", "/d", "acme/", "d-00000"])
def test_no_name_opens_a_document_of_others(documents: TenantDocuments, asked: str) -> None:
    documents.replace([indexed("d", 1)], ACME)
    for access in (DEFAULT_ACCESS, Access("beta"), Access("acme/x")):
        assert documents.records([asked, "d"], access) == {}
        with pytest.raises(NotFound, match=f"There is no document '{asked}'"):
            documents.delete(asked, access)
    assert documents.record("d", ACME).id == "d"


@pytest.mark.parametrize("access", [DEFAULT_ACCESS, ACME])
def test_an_id_with_a_slash_is_never_written(documents: TenantDocuments, access: Access) -> None:
    with pytest.raises(InvalidRequest):
        documents.replace([indexed("beta/d", 1)], access)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_hold_the_own_documents_in_order(documents: TenantDocuments, limit: int) -> None:
    for sequence in range(1, 25):
        access = (DEFAULT_ACCESS, ACME, Access("beta"))[sequence % 3]
        acl = frozenset({"board"}) if sequence % 2 else None
        documents.replace([indexed(f"d{sequence:02}", sequence, acl=acl)], access)
    assert names(documents, ACME, limit) == [f"d{n:02}" for n in range(1, 25) if n % 3 == 1]
    assert names(documents, STAFF, limit) == [
        f"d{n:02}" for n in range(1, 25) if n % 3 == 1 and n % 2 == 0
    ]
    assert names(documents, DEFAULT_ACCESS, limit) == [f"d{n:02}" for n in range(3, 25, 3)]
    assert len(names(documents, EVERYTHING, limit)) == 24
    assert names(documents, Access("void"), limit) == []


def test_what_groups_may_not_read_they_neither_delete_nor_write_over(
    documents: TenantDocuments,
) -> None:
    documents.replace([indexed("d", 1, "closed", acl=frozenset({"board"}))], ACME)
    assert documents.records(["d"], STAFF) == {}
    assert documents.closed(["d", "e"], STAFF) == {"d"}
    with pytest.raises(NotFound):
        documents.delete("d", STAFF)
    with pytest.raises(Forbidden):
        documents.replace([indexed("d", 1, "open")], STAFF)
    assert documents.record("d", ACME).acl == {"board"}
    assert documents.record("d", Access("acme", frozenset({"board"}))).fingerprint == "closed"


def test_a_copy_of_an_index_keeps_whose_documents_are(
    documents: TenantDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents.replace([indexed("d", 1)], DEFAULT_ACCESS)
    documents.replace([indexed("d", 2, acl=frozenset({"board"}))], ACME)
    page = documents.sources(after=0, limit=10, access=EVERYTHING)
    assert [(one.id, one.acl) for one in page.documents] == [
        ("d", None),
        ("acme/d", frozenset({"board"})),
    ]
    assert page.total == 2
    other = TenantDocuments(ChromaStore(ARGS, MemoryChroma({})))
    copies = [
        indexed(one.id, place, acl=one.acl if one.acl != "kept" else None)
        for place, one in enumerate(page.documents, start=1)
    ]
    other.replace(copies, EVERYTHING)
    assert names(other, STAFF) == []
    assert names(other, ACME) == names(other, DEFAULT_ACCESS) == ["d"]


def test_a_deletion_leaves_nothing_of_the_document_but_its_id(
    documents: TenantDocuments, store: ChromaStore
) -> None:
    documents.replace([indexed("d", 1)], ACME)
    documents.delete("d", ACME)
    left = store.chroma.beside("documents").get(include=["documents", "metadatas"])
    assert "Title" not in str(left)
    assert "d.md" not in str(left)


def test_erasing_reaches_what_cut_off_writes_left(
    documents: TenantDocuments, store: ChromaStore
) -> None:
    for access in (DEFAULT_ACCESS, ACME, Access("acme-2")):
        documents.replace([indexed("d", 1, access.tenant)], access)
    documents.delete("d", ACME)
    documents.replace([indexed("e", 2, "acme")], ACME)
    orphan = row_id("acme/f-00000", f"{1:032x}")
    store.chroma.chunks().upsert(
        ids=[orphan],
        embeddings=np.ones((1, 3), dtype=np.float32),
        documents=["acme"],
        metadatas=[{"document_id": "acme/f", "ragserve:tenant": "acme"}],
    )
    total = erased(store, "acme")
    assert total == {"documents": 1, "chunks": 2, "leftover_chunks": 1, "deletion_marks": 2}
    assert names(documents, DEFAULT_ACCESS) == names(documents, Access("acme-2")) == ["d"]
    for collection in (store.chroma.chunks(), *map(store.chroma.beside, ("documents", "sources"))):
        rows = collection.get(include=["documents", "metadatas"])
        assert rows["ids"]
        assert not [row for row in rows["ids"] if row.startswith("acme/")]
    assert erased(store, "acme") == {}
    assert erased(store, "default")["documents"] == 1
    assert names(documents, EVERYTHING) == ["acme-2/d"]


def erased(store: ChromaStore, tenant: str) -> dict[str, int]:
    total: dict[str, int] = {}
    while True:
        step = erase_some(store, tenant)
        for what, count in step.counts.items():
            total[what] = total.get(what, 0) + count
        if step.is_done:
            return total


def rows_of(collections: dict[str, MemoryCollection], suffix: str) -> Sequence[dict[str, object]]:
    return [row["metadatas"] for row in collections[f"ragserve{suffix}"].rows.values()]


def test_rows_of_the_default_tenant_say_what_they_always_said(
    documents: TenantDocuments, collections: dict[str, MemoryCollection]
) -> None:
    """A version that knows no tenants reads them, and what it wrote is read."""
    documents.replace([indexed("d", 1)], DEFAULT_ACCESS)
    for suffix in ("", "-documents", "-sources"):
        assert not [key for row in rows_of(collections, suffix) for key in row if ":" in key]
    [row] = collections["ragserve-documents"].rows.values()
    assert "acl" not in row["documents"]
    row["documents"] = row["documents"].replace('"id"', '"of_a_later_version": 1, "id"')
    assert documents.record("d", DEFAULT_ACCESS).id == "d"


def test_nothing_that_a_client_says_of_a_document_passes_for_whose_it_is(
    documents: TenantDocuments, store: ChromaStore
) -> None:
    one = indexed("d", 1)
    said: dict[str, Scalar] = {
        "ragserve:acl": "no list",
        "ragserve:tenant": "acme",
        "ragserve:is_tenants": True,
    }
    chunks = tuple(
        Chunk(c.id, c.document_id, c.ordinal, c.text, c.path, c.title, metadata=said)
        for c in one.chunks
    )
    hostile = IndexedDocument(one.record, chunks, one.vectors, one.parts)
    documents.replace([hostile], DEFAULT_ACCESS)
    assert {chunk.acl for chunk in store.texts(["d-00000", "d-00001"]).values()} == {None}
    assert names(documents, ACME) == []


def named(documents: TenantDocuments, text: str, access: Access, limit: int = 100) -> list[str]:
    """Returns the ids of all pages of a search by name."""
    found: list[str] = []
    after: int | None = 0
    while after is not None:
        page = documents.page(after=after, limit=limit, access=access, named=text)
        found += [record.id for record in page.records]
        after = page.next_sequence
    return found


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_search_by_name_finds_all_of_the_own_documents_and_no_others(
    documents: TenantDocuments, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenancy_documents, "_READ_AT_ONCE", 3)
    monkeypatch.setattr(tenancy_documents, "_MOST_READ", 6)
    for number in range(20):
        name = f"{'Report' if number % 4 == 0 else 'note'}-{number}"
        documents.replace([indexed(name, number + 1)], Access(tenant="acme"))
        documents.replace([indexed(f"report-of-others-{number}", 50 + number)], Access("umbrella"))
    wanted = [f"Report-{number}" for number in range(0, 20, 4)]
    assert named(documents, "rEPORT", Access(tenant="acme"), limit) == wanted
    assert named(documents, "nothing like it", Access(tenant="acme"), limit) == []


def test_chunks_of_a_document_come_in_pages_to_who_may_read_it(documents: TenantDocuments) -> None:
    acme = Access(tenant="acme")
    documents.replace([indexed("manual", 1, acl=frozenset({"legal"}), count=5)], acme)
    lawyer = Access(tenant="acme", groups=frozenset({"legal"}))
    first = documents.chunks("manual", first=0, limit=3, access=lawyer)
    rest = documents.chunks("manual", first=3, limit=3, access=lawyer)
    assert [chunk.ordinal for chunk in first + rest] == [0, 1, 2, 3, 4]
    assert {chunk.document_id for chunk in first + rest} == {"manual"}
    assert documents.chunks("manual", first=5, limit=3, access=lawyer) == []
    for stranger in (Access(tenant="umbrella"), Access(tenant="acme", groups=frozenset({"sales"}))):
        with pytest.raises(NotFound):
            documents.chunks("manual", first=0, limit=3, access=stranger)
