"""Documents in a file and back."""

import threading
from collections import defaultdict
from pathlib import Path

import pytest

from app.backup.archive import reading, writing
from app.backup.documents import Collection
from deployments.contracts.search import Calibration
from deployments.contracts.tenants import DEFAULT_ACCESS, Access
from deployments.retriever.calibration import Calibrations
from deployments.retriever.chroma.connection import Chroma
from deployments.retriever.chroma.source import StoredContent
from deployments.retriever.chroma.store import ChromaStore, Search
from deployments.retriever.config import StoreArgs
from tests.doubles import vector_of
from tests.unit.app.backup.conftest import MakeStore, indexed

WORDS = ("amber", "cobalt", "olive", "russet", "slate")


def copied(source: StoreArgs, target: StoreArgs, file: Path) -> dict[str, object]:
    """Copies one collection into another; returns what the manifest says."""
    done: list[int] = []
    with writing(file) as archive:
        held = Collection(source).write_to(archive, done.append)
        archive.finish({"collections": {source.collection: held}})
    assert sum(done) == held["documents"]
    with reading(file) as back:
        Collection(target).read_from(back, source.collection, done.append)
    assert sum(done) == 2 * held["documents"]
    return held


def answers(args: StoreArgs) -> list[dict[str, float]]:
    """Returns what is found for each word; Chroma's last digits differ from copy to copy."""
    searches = [Search(vector_of(word), 5, None, DEFAULT_ACCESS) for word in WORDS]
    found = ChromaStore(args).search(searches)
    return [{name: round(score, 5) for name, score in hits.items()} for hits in found]


def test_a_copy_answers_as_the_original_does(make_store: MakeStore, tmp_path: Path) -> None:
    source, target = make_store(), make_store()
    store = ChromaStore(source)
    store.replace([indexed(f"d{n}", word, sequence=n) for n, word in enumerate(WORDS, 1)])
    store.replace([indexed("d1", "ochre", chunks=2, sequence=6)])
    store.delete("d2")
    held = copied(source, target, tmp_path / "copy.zip")
    assert held == {"documents": 4, "rows": 2 + 3 * 3 + 4 + 4, "damaged": []}
    assert answers(target) == answers(source)
    access = Access.everything()
    pages = [ChromaStore(args).page(after=0, limit=9, access=access) for args in (source, target)]
    assert pages[0] == pages[1]
    sources = [
        ChromaStore(args).sources(after=0, limit=9, access=access) for args in (source, target)
    ]
    assert sources[0] == sources[1]


def test_a_calibration_goes_along(make_store: MakeStore, tmp_path: Path) -> None:
    source, target = make_store(), make_store()
    ChromaStore(source).replace([indexed("d", "amber")])
    calibration = Calibration(0.4, "m", 1, 3, 9, 9, 0.9, 0.9, "2026-01-01T00:00:00+00:00")
    Calibrations(Chroma(source)).write(calibration)
    copied(source, target, tmp_path / "copy.zip")
    assert Calibrations(Chroma(target)).read() == calibration


def test_documents_that_are_replaced_meanwhile_are_copied_whole(
    make_store: MakeStore, tmp_path: Path
) -> None:
    source, target = make_store(), make_store()
    store = ChromaStore(source)
    names = [f"d{n}" for n in range(40)]
    store.replace([indexed(name, "first", sequence=n) for n, name in enumerate(names, 1)])
    stop = threading.Event()

    def write() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            for n, name in enumerate(names[:8], 1):
                store.replace([indexed(name, f"turn {turn}", chunks=1 + turn % 4, sequence=n)])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        held = copied(source, target, tmp_path / "copy.zip")
    finally:
        stop.set()
        writer.join()
    assert held["damaged"] == []
    content = StoredContent(ChromaStore(target))
    versions = content.versions()
    assert set(versions) == set(names)
    texts = defaultdict(set)
    counts: dict[str, int] = defaultdict(int)
    for chunks, _ in content.chunks(versions):
        for chunk in chunks:
            texts[chunk.document_id].add(chunk.text.rpartition(" ")[0])
            counts[chunk.document_id] += 1
    assert all(len(found) == 1 for found in texts.values()), texts
    assert counts == {name: version.record.chunk_count for name, version in versions.items()}


def test_what_was_deleted_later_comes_back(make_store: MakeStore, tmp_path: Path) -> None:
    source = make_store()
    store = ChromaStore(source)
    store.replace([indexed("d", "amber"), indexed("e", "cobalt", sequence=2)])
    before = answers(source)
    file = tmp_path / "copy.zip"
    with writing(file) as archive:
        held = Collection(source).write_to(archive, lambda _: None)
        archive.finish({"collections": {source.collection: held}})
    store.delete("d")
    assert answers(source) != before
    with reading(file) as back:
        collection = Collection(source)
        collection.clear()
        collection.read_from(back, source.collection, lambda _: None)
    assert answers(source) == before


@pytest.mark.parametrize("lost", [0, 2])
def test_a_document_that_the_store_has_not_whole_is_named(
    make_store: MakeStore, tmp_path: Path, lost: int
) -> None:
    source, target = make_store(), make_store()
    store = ChromaStore(source)
    store.replace([indexed("d", "amber"), indexed("e", "cobalt", sequence=2)])
    rows = store.chroma.chunks().get(where={"document_id": "d"}, include=[])["ids"]
    store.chroma.chunks().delete(ids=[rows[lost]])
    assert copied(source, target, tmp_path / "copy.zip")["damaged"] == ["d"]
