"""Replicas of one node over one folder, and of two nodes over one store."""

import random
import shutil
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from deployments.contracts.documents import chunk_id
from deployments.contracts.errors import Unavailable
from deployments.contracts.tenants import DEFAULT_ACCESS
from deployments.retriever import follower as follower_module
from deployments.retriever.chroma import change_log as changes_module
from deployments.retriever.chroma.source import StoredContent
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.config import StoreArgs
from deployments.retriever.disk import keeper as keeper_module
from deployments.retriever.disk.keeper import IndexKeeper
from deployments.retriever.disk.segments import segment as segment_module
from deployments.retriever.follower import Follower
from deployments.retriever.index.chunk_index import ChunkIndex
from tests.unit.deployments.retriever.written import indexed

_NUMBERS = count()


class Replica:
    """A replica without its shell: its own connection, index and keeper."""

    def __init__(self, args: StoreArgs, root: Path, **wishes: Any) -> None:
        settings: dict[str, Any] = {"max_pending_chunks": 1, "max_pending_s": 1e9, **wishes}
        self.store = ChromaStore(args)
        self.index = ChunkIndex(in_files=True)
        self.keeper = IndexKeeper(root, **settings)
        self.follower = Follower(StoredContent(self.store), self.index, self.keeper)

    def find(self, query: str) -> list[str]:
        self.follower.sync()
        hits = self.index.view().by_words(query, 100, access=DEFAULT_ACCESS)
        return sorted(hit.chunk_id for hit in hits)

    def step(self) -> None:
        self.keeper.step(self.follower)

    def end(self) -> None:
        """Dies: the system takes its lock."""
        assert self.keeper._folder is not None
        self.keeper._folder.unlock()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keeping")


@pytest.fixture
def args(folder: Path) -> StoreArgs:
    return StoreArgs(path=str(folder), collection=f"keeping-{next(_NUMBERS)}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Which documents were read from the store."""
    read: list[str] = []
    chunks = StoredContent.chunks

    def noted(self: StoredContent, versions: Any) -> Any:
        read.extend(versions)
        return chunks(self, versions)

    monkeypatch.setattr(StoredContent, "chunks", noted)
    return iter([read])


def test_a_restarted_replica_reads_only_what_changed(
    args: StoreArgs, root: Path, asked: Iterator[list[str]]
) -> None:
    [read] = asked
    first = Replica(args, root)
    first.store.replace([indexed("a", "red"), indexed("b", "red", "blue"), indexed("c", "red")])
    first.find("red")
    first.step()
    first.end()
    first.store.replace([indexed("b", "green")])
    first.store.delete("c")
    read.clear()
    second = Replica(args, root)
    assert second.find("red blue green") == ["a-00000", "b-00000"]
    assert read == ["b"]


def test_the_second_replica_takes_what_the_first_has_written(
    args: StoreArgs, root: Path, asked: Iterator[list[str]]
) -> None:
    [read] = asked
    first, second = Replica(args, root), Replica(args, root)
    first.store.replace([indexed("a", "red"), indexed("b", "blue")])
    first.find("red")
    first.step()
    read.clear()
    assert second.find("red blue") == ["a-00000", "b-00000"]
    assert not read
    assert (first.keeper.is_writer, second.keeper.is_writer) == (True, False)
    second.store.replace([indexed("c", "red")])
    assert first.find("red") == second.find("red") == ["a-00000", "c-00000"]
    assert second.follower.change_count == 1
    first.step()
    second.step()
    assert second.follower.change_count == 0
    assert first.find("red") == second.find("red") == ["a-00000", "c-00000"]


def test_another_replica_writes_when_the_writer_is_gone(args: StoreArgs, root: Path) -> None:
    first, second = Replica(args, root), Replica(args, root)
    first.store.replace([indexed("a", "red")])
    first.find("red")
    first.step()
    second.find("red")
    second.store.replace([indexed("b", "red")])
    second.find("red")
    first.end()
    second.step()
    assert second.keeper.is_writer
    assert (second.follower.generation, second.follower.change_count) == (2, 0)
    assert second.find("red") == ["a-00000", "b-00000"]


def test_replicas_of_two_nodes_see_what_either_wrote_in_any_order(
    args: StoreArgs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two replicas on each, of which any may write, be restarted, or find its files gone."""
    monkeypatch.setattr(changes_module, "_KEPT_IDS", 6)
    monkeypatch.setattr(changes_module, "_MAX_WRITERS", 4)
    monkeypatch.setattr(follower_module, "_GROUP_DOCUMENTS", 2)
    monkeypatch.setattr(keeper_module, "SPILL_CHUNKS", 4)
    chance = random.Random(11)
    roots = [tmp_path / f"node-{place // 2}" for place in range(4)]
    waited_s: list[float] = []
    # Nobody writes while one waits: it reads by itself then.
    wishes = {"now": lambda: 100.0 + sum(waited_s), "sleep": lambda _: waited_s.append(60.0)}
    replicas = [Replica(args, root, **wishes) for root in roots]
    held: dict[str, list[str]] = {}
    for step in range(30):
        place = chance.randrange(4)
        names = chance.sample("abcdefgh", chance.randint(1, 3))
        writer = replicas[place].store
        if chance.random() < 0.3 and names[0] in held:
            writer.delete(names[0])
            del held[names[0]]
        else:
            texts = {name: [f"word{chance.randrange(5)}"] * chance.randint(1, 3) for name in names}
            writer.replace([indexed(name, *own) for name, own in texts.items()])
            held.update(texts)
        wanted = f"word{chance.randrange(5)}"
        expected = sorted(
            chunk_id(name, ordinal)
            for name, own in held.items()
            for ordinal, text in enumerate(own)
            if text == wanted
        )
        for asked_place in chance.sample(range(4), chance.randint(1, 4)):
            assert replicas[asked_place].find(wanted) == expected, (step, asked_place)
            if chance.random() < 0.6:
                replicas[asked_place].step()
        fate = chance.random()
        if fate < 0.12:
            if replicas[place].keeper._folder is not None:
                replicas[place].end()
            replicas[place] = Replica(args, roots[place], **wishes)
        elif fate < 0.16:
            shutil.rmtree(roots[place], ignore_errors=True)


@pytest.mark.parametrize("damage", ["segment", "current", "all"])
def test_damaged_files_are_made_anew(args: StoreArgs, root: Path, damage: str) -> None:
    """Whoever finds it: the writer makes them, and answers do not come from them."""
    first = Replica(args, root)
    first.store.replace([indexed("a", "red"), indexed("b", "blue")])
    first.find("red")
    first.step()
    if damage == "segment":
        [file] = root.glob("segments/*/rows")
        file.write_bytes(file.read_bytes().replace(b"red", b"blu"))
        second = Replica(args, root)
        waiting = threading.Thread(target=second.follower.sync)
        waiting.start()
        while (root / "CURRENT").exists():
            waiting.join(0.01)
        first.step()
        first.follower.sync()
        first.step()
        waiting.join(30)
        assert second.find("red") == ["a-00000"]
    elif damage == "current":
        (root / "CURRENT").write_text("no number")
    else:
        shutil.rmtree(root)
    first.step()
    assert first.find("red blue") == ["a-00000", "b-00000"]
    first.step()
    first.end()
    assert Replica(args, root).find("red") == ["a-00000"]


def test_a_store_that_went_back_is_compared_whole(args: StoreArgs, root: Path) -> None:
    """A copy of its folder, made before the generation was, is put back."""
    source = Path(str(args.path))
    first = Replica(args, root)
    first.store.replace([indexed("a", "red")])
    before = {
        name: first.store.chroma.beside(name).get(include=["documents", "metadatas", "embeddings"])
        for name in ("changes", "documents")
    }
    first.store.replace([indexed("b", "red")])
    first.find("red")
    first.step()
    first.end()
    for name, rows in before.items():
        collection = first.store.chroma.beside(name)
        collection.delete(ids=collection.get(include=[])["ids"])
        collection.upsert(
            ids=rows["ids"],
            documents=rows["documents"] if name == "documents" else None,
            metadatas=rows["metadatas"],
            embeddings=rows["embeddings"],
        )
    assert source.exists()
    assert Replica(args, root).find("red") == ["a-00000"]


def test_another_collection_of_the_same_name_is_another(args: StoreArgs, root: Path) -> None:
    first = Replica(args, root)
    first.store.replace([indexed("a", "red")])
    first.find("red")
    first.step()
    first.end()
    client = first.store.chroma._open()
    for collection in list(client.list_collections()):
        if collection.name.startswith(args.collection):
            client.delete_collection(collection.name)
    second = Replica(args, root)
    second.store.chroma._collections.clear()
    second.store.replace([indexed("b", "red")])
    assert second.find("red") == ["b-00000"]


def test_a_full_disk_is_no_failure_of_a_search(
    args: StoreArgs, root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now_s = 100.0
    first = Replica(args, root, now=lambda: now_s)
    first.store.replace([indexed("a", "red")])
    first.find("red")
    first.step()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as at_the_end:
        at_the_end.setattr(keeper_module, "write_generation", full)
        first.store.replace([indexed("b", "red")])
        for _ in range(3):
            assert first.find("red") == ["a-00000", "b-00000"]
            first.step()
        assert caplog.text.count("could not be written") == 1
    first.step()
    assert first.follower.generation == 1
    now_s += 31
    first.step()
    assert (first.follower.generation, first.follower.change_count) == (2, 0)


def test_a_folder_that_cannot_be_made_leaves_the_index_in_memory(
    args: StoreArgs, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    waited_s: list[float] = []
    replica = Replica(
        args,
        tmp_path / "file" / "index",
        now=lambda: 100.0 + sum(waited_s),
        sleep=waited_s.append,
    )
    replica.store.replace([indexed("a", "red")])
    assert replica.find("red") == ["a-00000"]
    replica.step()
    replica.store.delete("a")
    assert replica.find("red") == []
    assert not waited_s


def test_files_that_cannot_be_read_for_a_moment_are_not_thrown_away(
    args: StoreArgs, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Replica(args, root)
    first.store.replace([indexed("a", "red")])
    first.find("red")
    first.step()
    first.end()

    def refuse(*_: object) -> None:
        raise OSError(24, "Too many open files")

    second = Replica(args, root)
    with monkeypatch.context() as busy:
        busy.setattr(segment_module, "mapped", refuse)
        with pytest.raises(Unavailable):
            second.find("red")
    assert (root / "CURRENT").exists()
    assert second.find("red") == ["a-00000"]
    assert second.follower.generation == 1


def test_other_users_cannot_look_into_the_folder(args: StoreArgs, root: Path) -> None:
    first = Replica(args, root)
    first.find("red")
    assert root.stat().st_mode & 0o077 == 0


def test_who_waits_for_a_writer_that_does_nothing_reads_by_itself(
    args: StoreArgs, root: Path
) -> None:
    first = Replica(args, root)
    first.store.replace([indexed("a", "red")])
    assert first.find("red") == ["a-00000"]
    waited_s: list[float] = []
    second = Replica(args, root, now=lambda: 100.0 + sum(waited_s), sleep=waited_s.append)
    assert second.find("red") == ["a-00000"]
    assert 170 < sum(waited_s) < 190
    first.step()
    second.step()
    assert (second.follower.generation, second.follower.change_count) == (1, 0)


def test_a_filled_index_goes_on_where_a_killed_one_was(
    args: StoreArgs, root: Path, monkeypatch: pytest.MonkeyPatch, asked: Iterator[list[str]]
) -> None:
    [read] = asked
    monkeypatch.setattr(keeper_module, "SPILL_CHUNKS", 4)
    monkeypatch.setattr(follower_module, "_GROUP_DOCUMENTS", 2)
    store = ChromaStore(args)
    store.replace([indexed(name, "red", "red") for name in "abcdefgh"])
    first = Replica(args, root)
    chunks = StoredContent.chunks

    def fail_later(self: StoredContent, versions: Any) -> Any:
        if "g" in versions:
            raise Unavailable("gone", "retriever")
        return chunks(self, versions)

    with monkeypatch.context() as broken:
        broken.setattr(StoredContent, "chunks", fail_later)
        with pytest.raises(Unavailable):
            first.follower.sync()
    first.end()
    read.clear()
    second = Replica(args, root)
    assert len(second.find("red")) == 16
    assert read == ["g", "h"]


def test_a_generation_is_taken_while_documents_change(args: StoreArgs, root: Path) -> None:
    """What was acknowledged before a search began is seen by it, whatever the keeper does."""
    first = Replica(args, root)
    first.find("nothing")
    done = threading.Event()
    failures: list[BaseException] = []

    def keep() -> None:
        try:
            while not done.is_set():
                first.step()
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        for number in range(25):
            name = "abc"[number % 3]
            first.store.replace([indexed(name, f"word{number}")])
            assert first.find(f"word{number}") == [f"{name}-00000"]
            assert first.find(f"word{number - 3}") == []
    finally:
        done.set()
        thread.join()
    assert not failures
    assert (first.follower.generation or 0) > 1
