"""What each tenant and group finds in an index that all share, held against a filter of all that
the index has, however documents came and went."""

import pytest

pytest.importorskip("tantivy", reason="the library of the lexical index is not installed")

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.contracts.documents import Chunk, chunk_id
from deployments.contracts.tenants import DEFAULT_TENANT, Access, Acl
from deployments.retriever.index.chunk_index import ChunkIndex, Hit
from deployments.retriever.tenancy import selection
from deployments.retriever.tenancy.names import is_in_reach, stored_id
from tests.doubles import vector_of

EVERYTHING = Access.everything()
TENANTS = (DEFAULT_TENANT, "acme", "acme-2", "void")
GROUPS: tuple[frozenset[str] | None, ...] = (None, frozenset(), frozenset({"a"}), frozenset("ab"))
ACLS: tuple[Acl, ...] = (None, None, frozenset({"a"}), frozenset({"b", "c"}))
WORDS = ("red", "green", "blue")
FILTERS = (None, {"team": "x"}, {"document_id": "d1"}, {"$and": [{"team": "x"}, {"ordinal": 0}]})

writes = st.tuples(
    st.sampled_from(TENANTS[:3]),
    st.integers(0, 4).map(lambda number: f"d{number}"),
    st.sampled_from(ACLS),
    st.integers(0, 3),
    st.sampled_from(("x", "y")),
    st.sampled_from(WORDS),
)
"""Tenant, document, who may read it, chunks (none: it is deleted), a field, a word."""
callers = st.builds(Access, st.sampled_from(TENANTS), st.sampled_from(GROUPS))


def write(
    index: ChunkIndex, tenant: str, name: str, acl: Acl, count: int, team: str, word: str
) -> None:
    stored = stored_id(Access(tenant), name)
    index.remove([stored])
    if not count:
        return
    chunks = [
        Chunk(
            chunk_id(stored, ordinal),
            stored,
            ordinal,
            f"{word} text {ordinal}",
            "same.md",
            "",
            metadata={"team": team},
            acl=acl,
        )
        for ordinal in range(count)
    ]
    index.add(chunks, np.stack([vector_of(chunk.text) for chunk in chunks]))


def within(index: ChunkIndex, hits: list[Hit], access: Access, where: object) -> list[Hit]:
    """Those hits that a caller may see and a filter lets pass, by looking at each."""
    rows = index.view().rows
    kept = []
    for hit in hits:
        row = rows[hit.number]
        named = row.fields()
        passes = {
            str(FILTERS[0]): True,
            str(FILTERS[1]): named["team"] == "x",
            str(FILTERS[2]): named["document_id"] == "d1",
            str(FILTERS[3]): named["team"] == "x" and row.ordinal == 0,
        }[str(where)]
        if passes and is_in_reach(access, row.chunk_id, row.acl):
            kept.append(hit)
    return kept


@pytest.mark.parametrize("few_rows", [0, 4096], ids=["large", "small"])
@settings(max_examples=40)
@given(
    st.lists(st.one_of(writes, st.just("commit")), max_size=30),
    st.lists(st.tuples(callers, st.sampled_from(FILTERS)), min_size=1, max_size=6),
)
def test_everybody_finds_what_a_filter_of_everything_would_leave(
    few_rows: int, changes: list, asked: list
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "_FEW_ROWS", few_rows)
        index = ChunkIndex()
        for change in changes:
            if change == "commit":
                index.commit()
            else:
                write(index, *change)
        index.commit()
        view = index.view()
        for access, where in asked:
            vector = vector_of("red text 1")
            by_meaning = view.by_meaning(vector, 1000, access=EVERYTHING)
            by_words = view.by_words("red text", 1000, access=EVERYTHING)
            assert view.by_meaning(vector, 1000, where, access=access) == within(
                index, by_meaning, access, where
            )
            assert view.by_words("red text", 1000, where, access=access) == within(
                index, by_words, access, where
            )


@settings(max_examples=40)
@given(st.lists(st.one_of(writes, st.just("commit")), max_size=30), callers)
def test_documents_and_chunks_within_reach_are_counted(changes: list, access: Access) -> None:
    index = ChunkIndex()
    there: dict[str, tuple[Acl, int]] = {}
    for change in changes:
        if change == "commit":
            index.commit()
            continue
        write(index, *change)
        tenant, name, acl, count, *_ = change
        there[stored_id(Access(tenant), name)] = acl, count
    index.commit()
    seen = [
        count for name, (acl, count) in there.items() if count and is_in_reach(access, name, acl)
    ]
    numbers = index.view().rows.within(access).numbers
    assert (numbers.document_count, len(numbers)) == (len(seen), sum(seen))
    assert numbers.ascending.tolist() == sorted(numbers.as_set)


def test_a_tenant_who_is_alone_searches_as_if_there_were_no_tenants() -> None:
    index = ChunkIndex()
    write(index, DEFAULT_TENANT, "d1", None, 2, "x", "red")
    index.commit()
    assert index.view().rows.within(Access()).is_whole
    write(index, "acme", "d1", None, 2, "x", "red")
    index.commit()
    assert not index.view().rows.within(Access()).is_whole
    assert len(index.view().rows.within(Access("void"))) == 0


def test_sets_of_tenants_that_did_not_change_are_shared() -> None:
    index = ChunkIndex()
    write(index, "acme", "d1", None, 2, "x", "red")
    write(index, "acme-2", "d1", None, 2, "x", "red")
    index.commit()
    before = index.view().rows
    write(index, "acme-2", "d2", None, 1, "x", "red")
    index.commit()
    after = index.view().rows
    assert after.within(Access("acme")).numbers is before.within(Access("acme")).numbers
    counts = [len(rows.within(Access("acme-2"))) for rows in (before, after)]
    assert counts == [2, 3]
