"""Generations on the disk: what is opened, what is refused, and what is removed."""

import json
import multiprocessing
import os
import shutil
import signal
import zlib
from pathlib import Path

import pytest

from deployments.contracts.tenants import DEFAULT_ACCESS
from deployments.retriever.disk import building as building_module
from deployments.retriever.disk import manifest as manifest_module
from deployments.retriever.disk.building import write_generation
from deployments.retriever.disk.files import Damaged
from deployments.retriever.disk.folder import IndexFolder
from deployments.retriever.disk.generation import Generation
from deployments.retriever.followed import followed_from
from tests.unit.deployments.retriever.disk.conftest import FiledIndex, Make

ALL = ["d0", "d1", "d2", "open0", "open1", "open2"]


def names(generation: Generation | None, query: str = "word") -> list[str]:
    """Returns the documents that a reader of a generation finds."""
    index = followed_from(generation).index
    index.commit()
    return [hit.chunk_id[:-6] for hit in index.view().by_words(query, 50, access=DEFAULT_ACCESS)]


def filled(make: Make, count: int = 3) -> FiledIndex:
    filed = make()
    for number in range(count):
        filed.write(f"d{number}", [f"word {number}", "other"], acl=frozenset({"a"}))
        filed.write(f"open{number}", [f"word {number}", "other"])
    filed.keep({"writer": 4})
    return filed


def test_a_generation_is_opened_as_it_was_written(make: Make) -> None:
    filed = filled(make)
    filed.write("torn", ["word"])
    filed.followed.torn.add("torn")
    filed.keep({"writer": 5})
    filed.close()
    again = make()
    followed = again.followed
    assert (followed.seen, followed.torn) == ({"writer": 5}, {"torn"})
    assert followed.states.digests() == filed.followed.states.digests()
    assert dict(followed.held.items()) == dict(filed.followed.held.items())
    assert len(again.index) == len(filed.index) == 13


def test_there_is_nothing_before_the_first_generation(tmp_path: Path) -> None:
    folder = IndexFolder(tmp_path / "index", "collection")
    assert folder.load() is None
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize("kind", ["flipped", "cut", "missing", "longer"])
def test_no_file_of_a_generation_may_be_another(make: Make, kind: str) -> None:
    """Each file in turn, also where its length says nothing."""
    filed = filled(make)
    filed.write("d0", ["word new"])
    filed.keep()
    filed.write("open1", ["word newer"])
    filed.keep()
    root = filed.folder.root
    kept = root.with_name("kept")
    shutil.copytree(root, kept)
    files = [
        file.relative_to(root)
        for place in ("segments", "generations")
        for file in (root / place).rglob("*")
        if file.is_file() and file.name != "verified" and not file.name.startswith(".")
    ]
    assert len(files) > 25
    for name in files:
        shutil.rmtree(root)
        shutil.copytree(kept, root)
        file = root / name
        content = file.read_bytes()
        if not content and kind in ("flipped", "cut"):
            continue
        if kind == "missing":
            file.unlink()
        elif kind == "flipped":
            file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        else:
            file.write_bytes(content[:-1] if kind == "cut" else content + b"\0")
        with pytest.raises(Damaged):
            IndexFolder(root, "collection").load()


def test_what_was_verified_is_not_read_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    filed = filled(make)
    monkeypatch.setattr("deployments.retriever.disk.folder.mark_of", lambda _: pytest.fail("read"))
    assert names(filed.folder.load()) == ALL


def test_a_generation_of_another_collection_or_version_is_refused(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed = filled(make)
    with pytest.raises(Damaged, match="another collection"):
        IndexFolder(filed.folder.root, "another").load()
    monkeypatch.setattr(manifest_module, "FORMAT", 0)
    with pytest.raises(Damaged, match="another version"):
        filed.folder.load()


def test_a_manifest_that_is_whole_and_lacks_something_is_refused(make: Make) -> None:
    filed = filled(make)
    file = filed.folder.folder_of(1) / "manifest.json"
    content = json.loads(file.read_text().partition("\n")[2])
    del content["words"]
    text = json.dumps(content)
    file.write_text(f"{zlib.crc32(text.encode()):08x}\n{text}")
    with pytest.raises(Damaged):
        filed.folder.load()


def test_one_process_writes(make: Make) -> None:
    filed = filled(make)
    other = IndexFolder(filed.folder.root, "collection")
    assert not other.try_lock()
    assert names(other.load()) == ALL
    filed.close()
    assert other.try_lock()
    assert other.try_lock()
    assert not filed.folder.try_lock()


def test_who_loses_the_folder_loses_the_lock(make: Make) -> None:
    filed = filled(make)
    shutil.rmtree(filed.folder.root)
    other = IndexFolder(filed.folder.root, "collection")
    assert other.try_lock()
    assert not filed.folder.try_lock()


def test_readers_keep_what_they_have_open(make: Make) -> None:
    """Segments are merged and generations removed under them."""
    filed = filled(make)
    reader = filed.folder.load()
    former = filed.folder.folder_of(1)
    for number in range(3):
        filed.write(f"open{number}", ["else"])
        filed.keep()
    assert not former.exists()
    assert names(reader) == ALL
    assert names(filed.folder.load(), "else") == ["open0", "open1", "open2"]
    assert len(list(filed.folder.generations.iterdir())) == 1


def test_what_a_generation_does_not_need_is_removed(make: Make) -> None:
    filed = filled(make)
    for number in range(20):
        filed.write(f"d{number % 3}", [f"word {number}"])
        filed.keep()
    manifest = filed.folder.load().manifest  # type: ignore[union-attr]
    named = {facts.name for facts in manifest.segments}
    assert {folder.name for folder in filed.folder.segments.iterdir()} == named
    rows = sum(facts.row_count for facts in manifest.segments)
    assert rows <= 2 * len(filed.index)
    assert len(named) <= 3


def test_a_tenant_whose_documents_went_is_named_nowhere(make: Make) -> None:
    filed = filled(make)
    filed.write("secret-tenant/d", ["word"])
    filed.keep()
    filed.write("secret-tenant/d", [])
    filed.keep()
    for number in range(12):
        filed.write(f"more{number}", ["word"])
    filed.keep()
    filed.close()
    content = b"".join(
        file.read_bytes() for file in filed.folder.segments.rglob("*") if file.is_file()
    )
    assert b"open0" in content
    assert b"secret-tenant" not in content


def full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["write_segment", "_write_dead", "_write_words", "_keep_words"])
def test_a_disk_that_is_full_leaves_the_former_generation(
    make: Make, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    filed = filled(make)
    filed.write("d9", ["word"])
    filed.commit()
    with monkeypatch.context() as at_the_end:
        at_the_end.setattr(building_module, step, full)
        with pytest.raises(OSError, match="No space"):
            write_generation(filed.folder, filed.followed.changes())
    assert filed.folder.current() == 1
    filed.keep()
    assert filed.folder.current() == 2
    assert "d9" in [name for name, _ in filed.followed.held.items()]
    assert len(list(filed.folder.generations.iterdir())) == 1


def _die_at(root: Path, step: str) -> None:
    """Kills this process where it writes a generation."""

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    filed = FiledIndex(root)
    filed.write("d9", ["word"])
    target = IndexFolder if step in ("publish", "_mark_verified") else building_module
    setattr(target, step, die)
    filed.keep()


@pytest.mark.parametrize("step", ["_write_words", "_write_dead", "publish", "_mark_verified"])
def test_a_writer_that_is_killed_leaves_nothing_behind(make: Make, step: str) -> None:
    filed = filled(make)
    filed.close()
    root = filed.folder.root
    child = multiprocessing.get_context("fork").Process(target=_die_at, args=(root, step))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    again = make()
    assert again.folder.current() == 1
    assert names(again.folder.load()) == ALL
    again.write("d9", ["word"])
    again.keep()
    assert sorted(names(again.folder.load())) == sorted([*ALL, "d9"])
    assert len(list(again.folder.generations.iterdir())) == 1
