"""Shards of a retriever over a real Chroma in a folder: what each follows, and what they say."""

import warnings
from pathlib import Path
from typing import Any

import pytest

from deployments.contracts.calls import CallContext
from deployments.contracts.search import Found, SearchMethod
from deployments.contracts.tenants import Access
from deployments.retriever.disk.opening import remove_other_deals
from deployments.sharding.deal import Deal
from deployments.sharding.retriever import ShardedRetriever

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    from deployments.retriever.deployment import Retriever
    from deployments.retriever.shard import RetrieverShard
from tests.doubles import vector_of
from tests.unit.deployments.retriever.written import indexed

ACME = Access("acme")


def call(access: Access = ACME) -> CallContext:
    return CallContext("request", 60.0, access=access)


def shards_of(folder: Path, count: int, **settings: Any) -> list[RetrieverShard]:
    store = {"path": str(folder / "chroma")}
    return [
        RetrieverShard({"store": store, "shard": shard, "shards": count, **settings})
        for shard in range(1, count + 1)
    ]


def joined(shards: list[RetrieverShard]) -> ShardedRetriever:
    return ShardedRetriever(shards)  # type: ignore[arg-type]


async def search(retriever: Any, text: str, **wishes: Any) -> Found:
    asked = {"top_k": 10, "where": None, "how": SearchMethod(), **wishes}
    found: Found = await retriever.search(text, vector_of(text)[None, :], **asked, call=call())
    return found


def ids(found: Found) -> list[str]:
    return [hit.chunk.document_id for hit in found.hits]


async def test_a_write_is_found_at_once_in_its_shard_alone(tmp_path: Path) -> None:
    shards = shards_of(tmp_path, 2)
    both = joined(shards)
    await shards[0].generation(call=call())  # two at once cannot both make the collections
    empty = await both.generation(call=call())
    names = [f"doc-{number}" for number in range(8)]
    for name in names:
        # Whichever shard writes, the one that has the document finds it.
        await shards[0].replace([indexed(name, f"The queue of {name} is full.")], call=call())
        assert name in ids(await search(both, f"queue {name}"))
    held = [(await shard.facts(call=call())).document_count for shard in shards]
    assert held == [len(Deal(shard, 2).own(f"acme/{name}" for name in names)) for shard in (1, 2)]
    assert min(held) > 0
    assert (await both.facts(call=call())).chunk_count == 8
    full = await both.generation(call=call())
    assert full != empty
    assert (await search(both, "queue")).generation == full
    assert await both.delete("doc-3", call=call()) == 1
    assert sorted(ids(await search(both, "queue"))) == sorted(set(names) - {"doc-3"})


async def test_shards_find_what_one_retriever_finds(tmp_path: Path) -> None:
    one = Retriever({"store": {"path": str(tmp_path / "chroma")}})
    for number in range(12):
        texts = [f"The queue {place} of {number} is full. " * (place + 1) for place in range(3)]
        await one.replace([indexed(f"doc-{number}", *texts)], call=call())
    both = joined(shards_of(tmp_path, 2))
    for wishes in (
        {},
        {"how": SearchMethod("dense")},
        {"how": SearchMethod("lexical")},
        {"reach": 1},
        {"where": {"path": "doc-3.md"}},
        # The store answers: only it knows filters on texts.
        {"where": {"#document": {"$contains": "queue 1"}}},
    ):
        expected, found = (
            await search(one, "queue 7", **wishes),
            await search(both, "queue 7", **wishes),
        )
        assert [hit.chunk.id for hit in found.hits] == [hit.chunk.id for hit in expected.hits]
        assert [hit.score for hit in found.hits] == pytest.approx(
            [hit.score for hit in expected.hits], abs=1e-4
        )
        assert {chunk.id for chunk in found.neighbours} == {
            chunk.id for chunk in expected.neighbours
        }
    assert ids(await search(both, "queue", how=SearchMethod("lexical"), top_k=3))
    assert (await both.describe(call=call())) == {"store": "ok", "lexical": True, "shards": 2}


async def test_what_the_store_lacks_is_named_by_the_shard_that_has_it(tmp_path: Path) -> None:
    [first, second] = shards = shards_of(tmp_path, 2)
    for number in range(6):
        await first.replace([indexed(f"doc-{number}", "one", "two")], call=call())
    store = first._store
    rows = store.chroma.chunks().get(where={"document_id": "acme/doc-1"}, include=[])["ids"]
    store.chroma.chunks().delete(ids=rows[:1])
    await search(joined(shards), "one")
    names = [f"doc-{number}" for number in range(6)]
    owner, other = (first, second) if Deal(1, 2).has("acme/doc-1") else (second, first)
    assert await owner.damaged(names, call=call()) == {"doc-1"}
    assert await other.damaged(names, call=call()) == frozenset()


async def test_another_number_of_shards_makes_the_files_anew(tmp_path: Path) -> None:
    index = {"path": str(tmp_path / "index"), "max_pending_chunks": 1}
    names = [f"doc-{number}" for number in range(8)]
    writer = Retriever({"store": {"path": str(tmp_path / "chroma")}})
    for name in names:
        await writer.replace([indexed(name, f"The queue of {name}.")], call=call())
    folders: dict[int, set[str]] = {}
    for count in (2, 3, 1):
        dealt = shards_of(tmp_path, count, index=index)
        found = await search(joined(dealt), "queue")
        assert sorted(ids(found)) == names
        for shard in dealt:
            assert shard._follower is not None
            assert shard._keeper is not None
            shard._keeper.step(shard._follower)
            assert shard._follower.generation == 1
        assert sorted(ids(await search(joined(dealt), "queue"))) == names
        remove_other_deals(dealt[0]._settings)
        folders[count] = {folder.name for folder in (tmp_path / "index").iterdir()}
        for shard in dealt:  # as the end of its process does
            assert shard._keeper is not None
            assert shard._keeper._folder is not None
            shard._keeper._folder.unlock()
    assert len(folders[2]) == 2
    assert len(folders[3]) == 3, "those of two shards are nobody's, and were removed"
    assert len(folders[1]) == 1
