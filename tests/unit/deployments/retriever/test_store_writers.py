"""Several writers of one document, in any order of their calls, some killed: what is left is one
text, whole, and the same for every replica."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

pytest.importorskip("tantivy", reason="the library of the lexical index is not installed")

from deployments.contracts.documents import (
    Chunk,
    DocumentRecord,
    IndexedDocument,
    Part,
    chunk_id,
)
from deployments.contracts.errors import NotFound
from deployments.retriever.chroma import Chroma, no_vectors
from deployments.retriever.chroma_rows import row_metadata
from deployments.retriever.chroma_source import StoredContent
from deployments.retriever.chunk_index import ChunkIndex
from deployments.retriever.config import StoreArgs
from deployments.retriever.follower import Follower
from deployments.retriever.source_texts import pack
from deployments.retriever.store import ChromaStore
from deployments.retriever.versions import Version, new_write_id
from tests.doubles import vector_of
from tests.memory_chroma import Killed, MemoryChroma, MemoryCollection, Turns

T = TypeVar("T")
ARGS = StoreArgs(url="http://127.0.0.1:9")
_TRIALS = 4
"""Orders that are tried of each kind; 100 were, when the tests were written."""

SIZES = {"old": 4, "amber": 5, "cobalt": 3, "olive": 1}
"""Texts, and how many chunks each has."""


def indexed(text: str) -> IndexedDocument:
    chunks = tuple(
        Chunk(chunk_id("d", ordinal), "d", ordinal, f"{text} {ordinal}", "d.md", "")
        for ordinal in range(SIZES[text])
    )
    record = DocumentRecord("d", "d.md", "", f"mark of {text}", len(chunks), "2026", 1)
    vectors = np.stack([vector_of(chunk.text) for chunk in chunks])
    return IndexedDocument(record, chunks, vectors, (Part(text),))


class Replica:
    """A replica of the retriever: its own connection, its own index in memory."""

    def __init__(self, chroma: Chroma) -> None:
        self.store = ChromaStore(ARGS, chroma)
        self.index = ChunkIndex()
        self.follower = Follower(StoredContent(self.store), self.index)

    def write(self, text: str) -> None:
        self.store.replace([indexed(text)])

    def delete(self) -> None:
        with suppress(NotFound):
            self.store.delete("d")

    def text(self) -> str | None:
        """Returns the one text that the memory holds, whole; None for none."""
        self.follower.sync()
        assert not self.follower.damaged
        view = self.index.view()
        hits = view.by_words("old amber cobalt olive", 100)
        return whole([view.rows[hit.number].chunk() for hit in hits])


def whole(chunks: Sequence[Chunk]) -> str | None:
    texts = {chunk.text.split()[0] for chunk in chunks}
    assert len(texts) <= 1, f"a mixture: {sorted(chunk.text for chunk in chunks)}"
    if not texts:
        return None
    [text] = texts
    assert sorted(chunks, key=lambda chunk: chunk.id) == list(indexed(text).chunks)
    return text


def stored_text(store: ChromaStore) -> str | None:
    """Returns the one text that a search of the store itself finds."""
    return whole(list(store.texts([chunk_id("d", ordinal) for ordinal in range(6)]).values()))


def check(replicas: Sequence[Replica], chroma: Chroma, *, acknowledged: Sequence[str] = ()) -> None:
    """Whatever is left is one text; where it counts as finished, everybody has it; and once it is
    written again, it is there and nothing else."""
    store = ChromaStore(ARGS, chroma)
    record = store.records(["d"]).get("d")
    left = [replica.text() for replica in (*replicas, Replica(chroma))]
    if record is not None and record.fingerprint:
        text = stored_text(store)
        assert record == indexed(str(text)).record
        assert left == [text] * len(left)
        assert store.sources(after=0, limit=1).documents[0].parts == (Part(str(text)),)
        assert not acknowledged or text in acknowledged
    else:
        stored_text(store)
    replicas[0].write("olive")
    assert [replica.text() for replica in replicas] == ["olive"] * len(replicas)
    assert_clean(store)


def assert_clean(store: ChromaStore) -> None:
    """Nothing is left of writes that do not count."""
    record = store.records(["d"])["d"]
    assert store.chroma.chunks().count() == record.chunk_count
    assert store.chroma.beside("documents").count() == 1
    assert store.chroma.beside("sources").count() == 1


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


Job = Callable[[Replica], None]
JOBS: Mapping[str, Job] = {
    "amber": lambda replica: replica.write("amber"),
    "cobalt": lambda replica: replica.write("cobalt"),
    "delete": Replica.delete,
    "read": lambda replica: replica.follower.sync(),
}


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
    assert replica.store.page(after=0, limit=1).records[0].id == "d"
    assert replica.store.sources(after=0, limit=1).documents[0].parts == (Part("old"),)
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
