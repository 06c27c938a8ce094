"""An index in files finds what one in memory finds, however documents came and went."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.contracts.documents import Chunk
from deployments.contracts.tenants import DEFAULT_ACCESS, DEFAULT_TENANT, Access, Acl
from deployments.retriever.disk import base as base_module
from deployments.retriever.index.chunk_index import ChunkIndex, Hit
from deployments.retriever.tenancy import selection
from deployments.retriever.tenancy.names import stored_id
from tests.doubles import vector_of
from tests.unit.deployments.retriever.disk.conftest import FiledIndex, Make, chunks_of

FAST = next((place for place in ("/dev/shm",) if Path(place).is_dir()), None)
"""Nothing there has to reach a disk."""

TENANTS = (DEFAULT_TENANT, "acme", "acme-2")
GROUPS: tuple[frozenset[str] | None, ...] = (None, frozenset(), frozenset({"a"}))
ACLS: tuple[Acl, ...] = (None, None, frozenset({"a"}), frozenset({"b", "c"}))
FILTERS = (
    None,
    {"team": "x"},
    {"document_id": "d1"},
    {"page": {"$gt": 1}},
    {"heading": {"$ne": "part 1"}},
    {"$and": [{"team": {"$ne": "x"}}, {"ordinal": 0}]},
)
QUERIES = ("red text", "blue", '"text 1"', "AB-12 green", "none of that")

writes = st.tuples(
    st.sampled_from(TENANTS),
    st.integers(0, 4).map(lambda number: f"d{number}"),
    st.sampled_from(ACLS),
    st.integers(0, 3),
    st.sampled_from(("x", "y")),
    st.sampled_from(("red", "green", "blue", "blue AB-12 red")),
)
"""Tenant, document, who may read it, chunks (none: it is deleted), a field, words."""
changes_of = st.lists(st.one_of(writes, st.sampled_from(("commit", "keep"))), max_size=30)
callers = st.builds(Access, st.sampled_from((*TENANTS, "void")), st.sampled_from(GROUPS))


class Both:
    """The same documents in files and in memory."""

    def __init__(self, root: Path) -> None:
        self.filed = FiledIndex(root)
        self.memory = ChunkIndex()

    def apply(self, changes: list[Any]) -> None:
        for change in changes:
            if change == "commit":
                self.filed.commit()
                self.memory.commit()
            elif change == "keep":
                self.filed.keep()
            else:
                self._write(*change)
        self.filed.commit()
        self.memory.commit()

    def _write(self, tenant: str, name: str, acl: Acl, count: int, team: str, words: str) -> None:
        stored = stored_id(Access(tenant), name)
        texts = [f"{words} text {ordinal}" for ordinal in range(count)]
        self.filed.write(stored, texts, acl=acl, metadata={"team": team})
        self.memory.remove([stored])
        chunks = chunks_of(stored, texts, acl=acl, metadata={"team": team})
        if chunks:
            self.memory.add(chunks, np.stack([vector_of(chunk.text) for chunk in chunks]))


def found(hits: list[Hit]) -> list[tuple[str, float]]:
    return [(hit.chunk_id, round(hit.score, 5)) for hit in hits]


def chunks(index: ChunkIndex, hits: list[Hit]) -> dict[str, Chunk]:
    return {hit.chunk_id: index.view().rows[hit.number].chunk() for hit in hits}


@pytest.mark.parametrize("few_rows", [0, 4096], ids=["large", "small"])
@pytest.mark.parametrize("sparse", [1, 10**6], ids=["by-row", "by-column"])
@settings(max_examples=15, deadline=None)
@given(changes_of, st.lists(st.tuples(callers, st.sampled_from(FILTERS)), min_size=1, max_size=6))
def test_the_same_is_found_as_in_memory(
    few_rows: int, sparse: int, changes: list[Any], asked: list[Any]
) -> None:
    with tempfile.TemporaryDirectory(dir=FAST) as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "_FEW_ROWS", few_rows)
        patch.setattr(base_module, "_SPARSE", sparse)
        both = Both(Path(folder))
        both.apply(changes)
        filed, memory = both.filed.index, both.memory
        for access, where in asked:
            vector = vector_of("red text 1")
            near = [
                index.view().by_meaning(vector, 1000, where, access=access)
                for index in (filed, memory)
            ]
            assert found(near[0]) == found(near[1])
            assert chunks(filed, near[0]) == chunks(memory, near[1])
            for query in QUERIES:
                words = [
                    index.view().by_words(query, 1000, where, access=access)
                    for index in (filed, memory)
                ]
                assert {hit.chunk_id for hit in words[0]} == {hit.chunk_id for hit in words[1]}
            counts = [index.view().rows.within(access).numbers for index in (filed, memory)]
            assert [(len(one), one.document_count) for one in counts] == [
                (len(counts[1]), counts[1].document_count)
            ] * 2
            assert len(counts[0].ascending) == len(counts[0])
        both.filed.close()


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.lists(
                st.sampled_from(("red", "green", "blue", "AB-12", "the", "IT")),
                min_size=1,
                max_size=60,
            ),
            st.just("keep"),
        ),
        max_size=20,
    )
)
def test_scores_are_those_of_one_index_of_all_texts(changes: list[Any]) -> None:
    """Wherever the texts are: as long as none went, there is nothing that tantivy still counts."""
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        filed, memory = FiledIndex(Path(folder)), ChunkIndex()
        for number, change in enumerate(changes):
            if change == "keep":
                filed.keep()
                continue
            chunk = chunks_of(f"d{number}", [" ".join(change)])
            filed.write(f"d{number}", [" ".join(change)])
            memory.add(chunk, vector_of("x")[None, :])
        filed.commit()
        memory.commit()
        for query in ("red", "the red AB-12", '"red blue" green', "IT", "blue green red"):
            in_files, in_memory = (
                index.view().by_words(query, 100, access=DEFAULT_ACCESS)
                for index in (filed.index, memory)
            )
            assert {hit.chunk_id for hit in in_files} == {hit.chunk_id for hit in in_memory}
            scores = {hit.chunk_id: hit.score for hit in in_memory}
            for hit in in_files:
                # The mean length is that of the generation until the next one.
                assert hit.score == pytest.approx(scores[hit.chunk_id], rel=0.6)
        filed.keep()
        for query in ("red", "the red AB-12", '"red blue" green', "IT", "blue green red"):
            pairs = zip(
                *(
                    index.view().by_words(query, 100, access=DEFAULT_ACCESS)
                    for index in (filed.index, memory)
                ),
                strict=True,
            )
            for one, other in pairs:
                assert (one.chunk_id, one.score) == (
                    other.chunk_id,
                    pytest.approx(other.score, abs=2e-4),
                )
        filed.close()


def test_what_is_in_memory_counts_like_what_is_in_files(make: Make) -> None:
    """Texts of the usual length and one that is new: its score is that of an index of all."""
    filed, memory = make(), ChunkIndex()
    for number in range(50):
        text = " ".join(["word", "red" if number % 5 == 0 else "green", *["other"] * 20])
        filed.write(f"d{number:02d}", [text])
        memory.add(chunks_of(f"d{number:02d}", [text]), vector_of("x")[None, :])
        if number == 48:
            filed.keep()
    filed.commit()
    memory.commit()
    for query in ("red", "green word", "word"):
        in_files, in_memory = (
            index.view().by_words(query, 100, access=DEFAULT_ACCESS)
            for index in (filed.index, memory)
        )
        assert found(in_files) == [
            (one, pytest.approx(score, abs=2e-3)) for one, score in found(in_memory)
        ]
