"""What a retriever says of the state of its documents, over a real Chroma in a folder."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Chunk, DocumentRecord, IndexedDocument, Part, chunk_id
from deployments.contracts.search import Calibration, Found, SearchMethod
from deployments.contracts.tenants import Access

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    from deployments.retriever.deployment import Retriever
from tests.doubles import vector_of

ACME, OTHER = Access("acme"), Access("other")
CALIBRATION = Calibration(0.4, "reranker", 1, 1, 10, 10, 0.9, 0.9, "2026-01-01T00:00:00+00:00")


def call(access: Access = ACME) -> CallContext:
    return CallContext("request", 5.0, access=access)


def indexed(text: str, name: str = "d") -> IndexedDocument:
    chunk = Chunk(chunk_id(name, 0), name, 0, text, "d.md", "")
    record = DocumentRecord(name, "d.md", "", text, 1, "2026", 1)
    return IndexedDocument(record, (chunk,), np.stack([vector_of(text)]), (Part(text),))


@pytest.fixture
def retriever(tmp_path: Path) -> Retriever:
    return Retriever({"store": {"path": str(tmp_path)}})


async def search(retriever: Retriever, access: Access = ACME) -> Found:
    return await retriever.search(
        *("queue", vector_of("queue")[None, :]),
        top_k=5,
        where=None,
        how=SearchMethod(),
        call=call(access),
    )


async def test_a_write_changes_the_generation_of_its_tenant_alone(retriever: Retriever) -> None:
    first = await retriever.generation(call=call())
    other = await retriever.generation(call=call(OTHER))
    await retriever.replace([indexed("A queue is full.")], call=call())
    second = await retriever.generation(call=call())
    await retriever.replace([indexed("A queue is empty.")], call=call())
    third = await retriever.generation(call=call())
    await retriever.delete("d", call=call())
    fourth = await retriever.generation(call=call())
    assert len({first, second, third}) == 3
    assert fourth == first, "the documents are the same: none"
    assert await retriever.generation(call=call(OTHER)) == other


async def test_a_search_says_what_it_has_searched(retriever: Retriever) -> None:
    for text in ("A queue is full.", "A queue is empty."):
        await retriever.replace([indexed(text)], call=call())
        found = await search(retriever)
        assert found.generation == await retriever.generation(call=call())
        assert [hit.chunk.text for hit in found.hits] == [text]
    assert (await search(retriever, OTHER)).generation != found.generation


async def test_a_calibration_is_part_of_it(retriever: Retriever) -> None:
    await retriever.replace([indexed("A queue is full.")], call=call())
    before = await retriever.generation(call=call())
    await retriever.calibrate(CALIBRATION, call=call())
    after = await retriever.generation(call=call())
    assert before != after
    assert (await search(retriever)).generation == after


async def test_two_replicas_say_the_same_and_the_later_one_sees_every_write(
    tmp_path: Path, retriever: Retriever
) -> None:
    await retriever.replace([indexed("A queue is full.")], call=call())
    other = Retriever({"store": {"path": str(tmp_path)}})
    assert await other.generation(call=call()) == await retriever.generation(call=call())
    for number in range(3):
        await retriever.replace([indexed(f"A queue has {number} places.")], call=call())
        assert await other.generation(call=call()) == await retriever.generation(call=call())


async def test_a_replica_that_has_not_asked_yet_says_what_it_searched(
    tmp_path: Path, retriever: Retriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a write is acknowledged two replicas may be in two states: an answer must be kept
    under that of the replica that searched."""
    other = Retriever({"store": {"path": str(tmp_path)}})
    before = await other.generation(call=call())
    monkeypatch.setattr("deployments.retriever.follower.LEASE_S", 60.0)
    await retriever.replace([indexed("A queue is full.")], call=call())
    assert await retriever.generation(call=call()) != before
    found = await search(other)
    assert (found.hits, found.generation) == ((), before)


async def test_without_an_index_in_memory_nobody_knows(tmp_path: Path) -> None:
    retriever = Retriever({"store": {"path": str(tmp_path)}, "lexical": False})
    await retriever.replace([indexed("A queue is full.")], call=call())
    assert await retriever.generation(call=call()) == ""
    found = await retriever.search(
        *("queue", vector_of("queue")[None, :]),
        top_k=5,
        where=None,
        how=SearchMethod(mode="dense"),
        call=call(),
    )
    assert found.generation == ""
