"""Followers of one store: over a double that counts, and over a real, embedded Chroma."""

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

import pytest

pytest.importorskip("tantivy", reason="the library of the lexical index is not installed")

from deployments.contracts.documents import Chunk, DocumentRecord, chunk_id
from deployments.contracts.errors import Unavailable
from deployments.contracts.tenants import DEFAULT_ACCESS
from deployments.contracts.vectors import Vectors
from deployments.retriever import follower as following_module
from deployments.retriever.chroma import change_log as changes_module
from deployments.retriever.chroma.change_log import LEASE_S, ChangeLog, WriterLog
from deployments.retriever.chroma.source import StoredContent
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.chroma.versions import Version
from deployments.retriever.config import StoreArgs
from deployments.retriever.follower import Follower, changed_documents, is_behind
from deployments.retriever.index.chunk_index import ChunkIndex
from tests.doubles import vector_of
from tests.unit.deployments.retriever.written import indexed

_NUMBERS = count()


class Replica:
    """A follower with its index."""

    def __init__(self, source: following_module.Source) -> None:
        self.index = ChunkIndex()
        self.follower = Follower(source, self.index)

    def find(self, query: str) -> list[str]:
        self.follower.sync()
        hits = self.index.view().by_words(query, 100, access=DEFAULT_ACCESS)
        return sorted(hit.chunk_id for hit in hits)


class SourceDouble:
    """Documents of one chunk each, and what was asked of them."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.log = WriterLog(0, ())
        self.asked: list[str] = []
        self.is_broken = False

    def write(self, document_id: str, text: str | None) -> None:
        if text is None:
            del self.texts[document_id]
        else:
            self.texts[document_id] = text
        self.log = WriterLog(self.log.number + 1, (*self.log.recent, (document_id,))[-2:])

    def identity(self) -> str:
        return "collection"

    def numbers(self) -> dict[str, int]:
        self.asked.append("numbers")
        if self.is_broken:
            raise Unavailable("gone", "retriever")
        return {writer: log.number for writer, log in self.logs().items()}

    def logs(self) -> dict[str, WriterLog]:
        return {"writer": self.log} if self.log.number else {}

    def versions(self, document_ids: Sequence[str] | None = None) -> dict[str, Version]:
        self.asked.append("all" if document_ids is None else "some")
        wanted = self.texts if document_ids is None else document_ids
        return {name: self.version(name) for name in wanted if name in self.texts}

    def version(self, name: str) -> Version:
        """As it was before writes had ids."""
        return Version(DocumentRecord(name, "", "", self.texts[name], 1, "", 1), "")

    def chunks(self, versions: Mapping[str, Version]) -> Iterator[tuple[list[Chunk], Vectors]]:
        self.asked.append(" ".join(versions))
        for one in versions:
            if self.is_broken:
                raise Unavailable("gone", "retriever")
            if one in self.texts:
                text = self.texts[one]
                chunk = Chunk(chunk_id(one, 0), one, 0, text, f"{one}.md", "")
                yield [chunk], vector_of(text)[None, :]


def test_the_first_sync_fills_the_index_and_the_next_only_asks() -> None:
    source = SourceDouble(a="one", b="one two")
    replica = Replica(source)
    assert replica.find("one") == ["a-00000", "b-00000"]
    source.asked.clear()
    assert replica.find("two") == ["b-00000"]
    assert source.asked == ["numbers"]


def test_only_what_changed_is_read_again() -> None:
    source = SourceDouble(a="red", b="red", c="red")
    replica = Replica(source)
    replica.find("red")
    source.write("b", "two")
    source.write("c", None)
    source.asked.clear()
    assert replica.find("red two") == ["a-00000", "b-00000"]
    assert source.asked == ["numbers", "some", "b"]


def test_whoever_is_too_far_behind_compares_and_reads_what_differs() -> None:
    source = SourceDouble(a="one", b="one", c="one")
    replica = Replica(source)
    replica.find("one")
    for document_id, text in (("a", None), ("b", "two"), ("d", "two")):
        source.write(document_id, text)
    source.asked.clear()
    assert replica.find("two") == ["b-00000", "d-00000"]
    assert replica.find("one") == ["c-00000"]
    assert source.asked == ["numbers", "all", "b d", "numbers"]


def test_a_document_that_was_being_written_is_read_again_at_a_comparison() -> None:
    source = SourceDouble(a="")
    replica = Replica(source)
    replica.find("one")
    for _ in range(3):
        source.write("b", "one")
    source.asked.clear()
    replica.find("one")
    assert source.asked[-1] == "a b"


def test_a_sync_that_failed_can_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following_module, "_GROUP_DOCUMENTS", 1)
    source = SourceDouble(a="one", b="one")
    replica = Replica(source)
    replica.find("one")
    source.write("a", "two")
    source.is_broken = True
    with pytest.raises(Unavailable):
        replica.find("one")
    source.is_broken = False
    assert (replica.find("one"), replica.find("two")) == (["b-00000"], ["a-00000"])


def test_a_replica_asks_again_when_a_write_may_have_been_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was announced since it asked last is acknowledged `LEASE_S` later at the soonest."""
    monkeypatch.setattr(following_module, "LEASE_S", LEASE_S)
    now_s = 100.0
    source = SourceDouble(a="one")
    index = ChunkIndex()
    follower = Follower(source, index, now=lambda: now_s)
    follower.sync()
    source.write("b", "one")
    now_s += 0.9 * LEASE_S
    follower.sync()
    assert (len(index), source.asked.count("numbers")) == (1, 0)
    now_s += 0.1 * LEASE_S + 1e-9
    follower.sync()
    assert (len(index), source.asked.count("numbers")) == (2, 1)
    # A question that failed is asked again at once.
    now_s += 2 * LEASE_S
    source.write("a", "two")
    source.is_broken = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            follower.sync()
    source.is_broken = False
    follower.sync()
    assert [hit.chunk_id for hit in index.view().by_words("two", 1, access=DEFAULT_ACCESS)] == [
        "a-00000"
    ]


@pytest.mark.parametrize(
    ("seen", "numbers", "behind"),
    [
        ({}, {}, False),
        ({"a": 2}, {"a": 2}, False),
        ({"a": 2}, {"a": 1}, False),
        ({"a": 2}, {"a": 3}, True),
        ({"a": 2}, {"a": 2, "b": 1}, True),
        ({"a": 2}, {}, True),
    ],
)
def test_being_behind(seen: dict[str, int], numbers: dict[str, int], behind: bool) -> None:
    assert is_behind(seen, numbers) is behind


@pytest.mark.parametrize(
    ("seen", "log", "changed"),
    [
        (3, WriterLog(3, (("a",),)), set()),
        (2, WriterLog(3, (("a",), ("b", "c"))), {"b", "c"}),
        (1, WriterLog(3, (("a",), ("b", "c"))), {"a", "b", "c"}),
        (0, WriterLog(3, (("a",), ("b",))), None),
        (4, WriterLog(3, (("a",),)), set()),
    ],
)
def test_what_changed_since(seen: int, log: WriterLog, changed: set[str] | None) -> None:
    assert changed_documents({"w": seen}, {"w": log}) == changed


def test_a_writer_that_is_gone_may_have_written_last() -> None:
    assert changed_documents({"w": 1}, {}) is None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("following")


@pytest.fixture
def args(folder: Path) -> StoreArgs:
    return StoreArgs(path=str(folder), collection=f"following-{next(_NUMBERS)}")


def test_what_was_there_before_the_first_announcement_is_found(
    args: StoreArgs, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as silent:
        silent.setattr(ChangeLog, "announce", lambda *_: None)
        ChromaStore(args).replace([indexed("a", "one", "two"), indexed("b", "two")])
    replica = Replica(StoredContent(ChromaStore(args)))
    assert replica.find("two") == ["a-00001", "b-00000"]


def test_two_replicas_see_what_either_wrote_in_any_order(
    args: StoreArgs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After every acknowledged write either one answers, and the answer is what the store holds:
    also where logs are too short, and where writers come and go."""
    monkeypatch.setattr(changes_module, "_KEPT_IDS", 4)
    monkeypatch.setattr(changes_module, "_MAX_WRITERS", 3)
    monkeypatch.setattr(following_module, "_GROUP_DOCUMENTS", 2)
    chance = random.Random(7)
    stores = [ChromaStore(args) for _ in range(2)]
    replicas = [Replica(StoredContent(store)) for store in stores]
    held: dict[str, list[str]] = {}
    for step in range(60):
        place = chance.randrange(2)
        if step % 9 == 8:
            stores[place] = ChromaStore(args)
        names = chance.sample("abcdefgh", chance.randint(1, 3))
        if chance.random() < 0.3 and names[0] in held:
            stores[place].delete(names[0])
            del held[names[0]]
        else:
            texts = {name: [f"word{chance.randrange(5)}"] * chance.randint(1, 3) for name in names}
            stores[place].replace([indexed(name, *own) for name, own in texts.items()])
            held.update(texts)
        asking = replicas if chance.random() < 0.5 else [replicas[chance.randrange(2)]]
        wanted = f"word{chance.randrange(5)}"
        expected = sorted(
            chunk_id(name, ordinal)
            for name, texts_of in held.items()
            for ordinal, text in enumerate(texts_of)
            if text == wanted
        )
        for replica in asking:
            assert replica.find(wanted) == expected
    assert replicas[0].find("word0 word1 word2 word3 word4") == replicas[1].find(
        "word0 word1 word2 word3 word4"
    )


def test_a_write_is_acknowledged_when_every_replica_has_to_ask(
    args: StoreArgs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many searches in a row, of which few ask; what was acknowledged is seen by all."""
    for module in (changes_module, following_module):
        monkeypatch.setattr(module, "LEASE_S", LEASE_S)
    store = ChromaStore(args)
    replica = Replica(StoredContent(ChromaStore(args)))
    for number in range(4):
        for _ in range(20):
            replica.find("one")
        store.replace([indexed("a", f"word{number}")])
        assert replica.find(f"word{number}") == ["a-00000"]
        for _ in range(20):
            replica.find("one")
        store.delete("a")
        assert replica.find(f"word{number}") == []


def test_a_late_replica_sees_the_same_as_one_that_followed(args: StoreArgs) -> None:
    store = ChromaStore(args)
    early = Replica(StoredContent(store))
    early.find("one")
    store.replace([indexed("a", "one", "one"), indexed("b", "one")])
    early.find("one")
    store.replace([indexed("a", "one two")])
    store.delete("b")
    late = Replica(StoredContent(ChromaStore(args)))
    assert early.find("one") == late.find("one") == ["a-00000"]


def test_a_store_that_is_away_fails_the_search_and_never_answers_from_the_past(
    args: StoreArgs, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ChromaStore(args)
    store.replace([indexed("a", "one")])
    replica = Replica(StoredContent(store))
    assert replica.find("one") == ["a-00000"]
    with monkeypatch.context() as broken:

        def lose(**_: object) -> None:
            raise OSError("connection lost")

        broken.setattr(store.chroma.beside("changes"), "get", lose)
        with pytest.raises(Unavailable):
            replica.find("one")
    assert replica.find("one") == ["a-00000"]
