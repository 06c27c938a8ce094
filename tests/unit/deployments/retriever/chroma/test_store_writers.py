"""Several writers of one document, in any order of their calls, some killed: what is left is one
text, whole, and the same for every replica."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

pytest.importorskip("tantivy", reason="the library of the lexical index is not installed")

from deployments.contracts.documents import Part
from deployments.contracts.tenants import Access
from deployments.retriever.chroma.connection import Chroma, no_vectors
from deployments.retriever.chroma.rows import row_metadata
from deployments.retriever.chroma.source_texts import pack
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.chroma.versions import Version, new_write_id
from deployments.retriever.config import StoreArgs
from tests.memory_chroma import Killed, MemoryChroma, MemoryCollection, Turns
from tests.store_replicas import JOBS, Replica, assert_clean, check, indexed, stored_text

T = TypeVar("T")
ARGS = StoreArgs(url="http://127.0.0.1:9")
_TRIALS = 4
"""Orders that are tried of each kind; 100 were, when the tests were written."""


def write_as_before(chroma: Chroma) -> None:
    """Stores the text "old" as it was before writes had ids."""
    document = indexed("old")
    chroma.chunks().upsert(
        ids=[chunk.id for chunk in document.chunks],
        embeddings=document.vectors,
        documents=[chunk.text for chunk in document.chunks],
        metadatas=[row_metadata(chunk) for chunk in document.chunks],
    )
    chroma.beside("sources").upsert(
        ids=["d"], embeddings=no_vectors(1), metadatas=[{"parts": pack(document.parts)}]
    )
    chroma.beside("documents").upsert(
        ids=["d"],
        embeddings=no_vectors(1),
        documents=[json.dumps(asdict(document.record))],
        metadatas=[{"sequence": document.record.sequence}],
    )


class Choice:
    """Chooses who is next: long runs of one writer and quick changes are both tried."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._stays_ratio = chance.choice([0.0, 0.5, 0.9])
        self._last = -1

    def __call__(self, waiting: Sequence[int]) -> int:
        if self._last not in waiting or self._chance.random() >= self._stays_ratio:
            self._last = self._chance.choice(list(waiting))
        return self._last


@pytest.mark.parametrize("before", ["nothing", "text", "old-layout", "deleted"])
@pytest.mark.parametrize(
    "names",
    [
        ("amber", "cobalt"),
        ("amber", "delete"),
        ("delete", "delete"),
        ("amber", "cobalt", "read"),
        ("amber", "cobalt", "delete", "read"),
    ],
    ids="-".join,
)
@pytest.mark.parametrize("kills", [False, True], ids=["all-end", "some-are-killed"])
def test_one_text_is_left_whatever_the_order(
    before: str, names: Sequence[str], kills: bool
) -> None:
    for seed in range(_TRIALS):
        chance = random.Random(f"{seed} {before} {names} {kills}")
        collections: dict[str, MemoryCollection] = {}
        quiet = MemoryChroma(collections)
        if before == "old-layout":
            write_as_before(quiet)
        elif before != "nothing":
            Replica(quiet).write("old")
        killed = {
            number: chance.randrange(14) for number in range(len(names)) if chance.random() < 0.6
        }
        turns = Turns(Choice(chance), killed if kills else {})
        replicas = [Replica(MemoryChroma(collections, turns)) for _ in names]
        for replica in replicas:
            replica.text()
        if before == "deleted":
            Replica(quiet).delete()
        jobs = [partial(JOBS[name], replica) for name, replica in zip(names, replicas, strict=True)]
        ends = turns.run(jobs)
        assert all(error is None or isinstance(error, Killed) for error in ends.values()), ends
        acknowledged = [name for place, name in enumerate(names) if ends[place] is None]
        alive = [replica for place, replica in enumerate(replicas) if ends[place] is None] + [
            Replica(quiet)
        ]
        if not kills and "delete" not in names:
            record = ChromaStore(ARGS, quiet).records(["d"])["d"]
            assert record.fingerprint in ("mark of amber", "mark of cobalt")
            assert_clean(ChromaStore(ARGS, quiet))
        check(alive, quiet, acknowledged=acknowledged if not kills else ())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("writers")


class KillableChroma(Chroma):
    """A real Chroma whose user is killed before one of its calls."""

    calls_left = -1

    def guard(self, call: Callable[[], T]) -> T:
        self.calls_left -= 1
        if self.calls_left == -1:
            raise Killed
        return super().guard(call)


@pytest.mark.parametrize(
    ("before", "name"), [("text", "amber"), ("text", "delete"), ("old-layout", "amber")]
)
def test_a_writer_that_is_killed_leaves_one_text(folder: Path, before: str, name: str) -> None:
    """Over a real, embedded Chroma, at every call."""
    for calls in range(30):
        args = StoreArgs(path=str(folder), collection=f"killed-{before}-{name}-{calls}")
        chroma = KillableChroma(args)
        if before == "old-layout":
            write_as_before(chroma)
        elif before == "text":
            Replica(chroma).write("old")
        writer, other = Replica(chroma), Replica(chroma)
        other.text()
        chroma.calls_left = calls
        try:
            JOBS[name](writer)
        except Killed:
            chroma.calls_left = -1
            check([other], chroma)
        else:
            assert calls > 8
            return
    raise AssertionError("a write needs fewer calls")


def test_an_old_document_is_there_and_is_written_again() -> None:
    chroma = MemoryChroma({})
    write_as_before(chroma)
    replica = Replica(chroma)
    assert replica.text() == stored_text(replica.store) == "old"
    assert replica.store.records(["d"]) == {"d": replace(indexed("old").record, fingerprint="")}
    assert replica.store.page(after=0, limit=1, access=Access.everything()).records[0].id == "d"
    page = replica.store.sources(after=0, limit=1, access=Access.everything())
    assert page.documents[0].parts == (Part("old"),)
    replica.write("old")
    assert replica.store.records(["d"]) == {"d": indexed("old").record}
    assert replica.text() == "old"
    assert_clean(replica.store)


def test_an_old_mixture_is_gone_when_one_of_its_texts_is_written_again() -> None:
    chroma = MemoryChroma({})
    write_as_before(chroma)
    amber = indexed("amber").chunks
    chroma.chunks().upsert(
        ids=[chunk.id for chunk in amber[3:]],
        embeddings=indexed("amber").vectors[3:],
        documents=[chunk.text for chunk in amber[3:]],
        metadatas=[row_metadata(chunk) for chunk in amber[3:]],
    )
    replica = Replica(chroma)
    with pytest.raises(AssertionError, match="a mixture"):
        replica.text()
    replica.write("old")
    assert replica.text() == "old"
    assert_clean(replica.store)


def test_a_document_that_lost_a_chunk_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    chroma = MemoryChroma({})
    Replica(chroma).write("amber")
    rows = chroma.chunks().rows
    del rows[next(iter(rows))]
    replica = Replica(chroma)
    replica.follower.sync()
    assert replica.follower.damaged == {"d"}
    assert "without some of its chunks" in caplog.text
    Replica(chroma).write("amber")
    assert replica.text() == "amber"


def test_clocks_that_disagree_do_not_bring_back_what_was_replaced() -> None:
    chroma = MemoryChroma({})
    first, second = Replica(chroma), Replica(chroma)
    far_ahead = new_write_id((), now_ns=lambda: 2**62)
    first.store.documents.write([Version(indexed("amber").record, far_ahead)])
    second.write("cobalt")
    assert first.text() == second.text() == "cobalt"
    second.delete()
    assert first.text() is None
