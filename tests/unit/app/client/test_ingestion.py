"""Files into the service: which are found, how they are sent, and what is said of each."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.client import ingestion
from app.client.files import Found, SourceFile, find_files
from app.client.ingestion import Report, ingest
from deployments.contracts.documents import Document, Part, ReadFailure
from deployments.indexer.cleaning import document_id


class Service:
    """Knows what it was sent, as the real one does; counts the requests under way."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self.batches: list[list[str]] = []
        self.lock = threading.Lock()
        self.failing: Callable[[dict[str, Any]], str] = lambda document: ""

    def send(self, body: dict[str, Any]) -> dict[str, Any]:
        counts = dict.fromkeys(("added", "updated", "unchanged", "failed"), 0)
        outcomes = []
        with self.lock:
            self.batches.append([document["path"] for document in body["documents"]])
            for document in body["documents"]:
                status = self._write(document)
                counts[status] += 1
                outcomes.append(
                    {
                        "path": document["path"],
                        "status": status,
                        "document_id": document["id"],
                        "chunk_count": 2,
                        "message": self.failing(document),
                    }
                )
        return {"outcomes": outcomes, **counts}

    def _write(self, document: dict[str, Any]) -> str:
        if self.failing(document):
            return "failed"
        former = self.known.get(document["id"])
        self.known[document["id"]] = document
        if former is None:
            return "added"
        return "unchanged" if former == document else "updated"


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as projects have them."""
    for name in (
        "b.md",
        "a.txt",
        "picture.png",
        ".hidden.md",
        ".git/config.md",
        "node_modules/x.md",
        "sub/__pycache__/y.md",
        "sub/c.md",
        "Makefile",
    ):
        file = tmp_path / "docs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {name}\n\nThe text of {name}.")
    return tmp_path / "docs"


def names(found: list[Found], folder: Path) -> list[str]:
    """Names of what is read, relative to a folder; nothing may have failed."""
    assert not [item for item in found if isinstance(item, ReadFailure)], found
    read = [item for item in found if isinstance(item, SourceFile)]
    return [Path(item.path).relative_to(folder).as_posix() for item in read]


def ignore(done_bytes: int, report: Report) -> None:
    pass


def files_of(*paths: Path, root: Path | None = None) -> list[SourceFile]:
    return [one for one in find_files(paths, root=root) if isinstance(one, SourceFile)]


def run(service: Service, files: list[SourceFile], **metadata: str) -> Report:
    return ingest(files, service.send, metadata=metadata, on_progress=ignore)


def test_a_folder_gives_readable_files_sorted_and_no_hidden_ones(folder: Path) -> None:
    assert names(list(find_files([folder], root=None)), folder) == ["a.txt", "b.md", "sub/c.md"]


def test_a_file_that_was_named_is_kept_whatever_it_is(folder: Path, service: Service) -> None:
    named = [folder / name for name in ("picture.png", ".hidden.md", "Makefile")]
    files = list(find_files(named, root=None))
    assert names(files, folder) == ["picture.png", ".hidden.md", "Makefile"]
    report = run(service, [one for one in files if isinstance(one, SourceFile)])
    assert report.added == 1
    assert [Path(path).name for path, _ in report.failures] == ["picture.png", "Makefile"]
    assert all(reason.startswith("Nothing here reads") for _, reason in report.failures)


def test_a_missing_path_is_a_failure_by_name(folder: Path) -> None:
    missing = folder / "none.md"
    found = list(find_files([missing, folder / "a.txt"], root=None))
    assert found[0] == ReadFailure(str(missing), "There is no such file or folder.")
    assert isinstance(found[1], SourceFile)


def test_a_link_to_nothing_is_a_failure_by_name(folder: Path) -> None:
    (folder / "link.md").symlink_to(folder / "gone.md")
    found = list(find_files([folder], root=None))
    [failure] = [one for one in found if isinstance(one, ReadFailure)]
    assert failure.path.endswith("link.md")
    assert len([item for item in found if isinstance(item, SourceFile)]) == 3


def test_paths_are_relative_to_the_root(folder: Path) -> None:
    paths = [one.path for one in files_of(folder, root=folder.parent)]
    assert paths == ["docs/a.txt", "docs/b.md", "docs/sub/c.md"]


def test_a_file_outside_the_root_keeps_its_absolute_path(folder: Path) -> None:
    [file] = files_of(folder / "a.txt", root=folder / "sub")
    assert file.path == (folder / "a.txt").resolve().as_posix()


def test_a_file_that_was_named_twice_is_read_once(folder: Path) -> None:
    found = list(find_files([folder, folder / "a.txt", folder / "sub"], root=None))
    assert names(found, folder) == ["a.txt", "b.md", "sub/c.md"]


def test_documents_are_sent_whole(folder: Path, service: Service) -> None:
    report = run(service, files_of(folder / "b.md", root=folder), team="red")
    assert report == Report(added=1, chunk_count=2, paths={"b.md"})
    assert service.known == {
        document_id("b.md"): {
            "id": document_id("b.md"),
            "path": "b.md",
            "title": "b.md",
            "parts": [{"text": "# b.md\n\nThe text of b.md.", "page": None}],
            "metadata": {"team": "red"},
        }
    }


def test_a_plain_document_says_so() -> None:
    plain = Document("d", "d.csv", "d", (Part("# of it: 1"),), markup="plain")
    assert ingestion._body([plain], None)["documents"][0] == {
        **{"id": "d", "path": "d.csv", "title": "d", "metadata": {}, "markup": "plain"},
        "parts": [{"text": "# of it: 1", "page": None}],
    }


def test_a_second_run_changes_nothing_and_a_third_updates(folder: Path, service: Service) -> None:
    assert run(service, files_of(folder)).added == 3
    again = run(service, files_of(folder))
    assert (again.unchanged, again.documents, again.chunk_count) == (3, 3, 0)
    (folder / "a.txt").write_text("Other text.")
    after = run(service, files_of(folder))
    assert (after.updated, after.unchanged, after.chunk_count) == (1, 2, 2)


def test_batches_are_bounded_in_documents(tmp_path: Path, service: Service) -> None:
    lines = "\n".join(f'{{"id": "{n}", "text": "text {n}"}}' for n in range(150))
    (tmp_path / "records.jsonl").write_text(lines)
    report = run(service, files_of(tmp_path))
    assert report.added == 150
    assert sorted(map(len, service.batches)) == [22, 64, 64]


def test_batches_are_bounded_in_characters(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingestion, "_BATCH_CHARS", 100)
    for name in "abcd":
        (tmp_path / f"{name}.txt").write_text(name * 60)
    (tmp_path / "e.txt").write_text("e" * 500)
    run(service, files_of(tmp_path, root=tmp_path))
    assert sorted(service.batches) == [["a.txt", "b.txt"], ["c.txt", "d.txt"], ["e.txt"]]


def test_failures_are_named_and_the_others_go_on(folder: Path, service: Service) -> None:
    (folder / "empty.md").write_text("")
    (folder / "records.jsonl").write_text('{"text": "good"}\n{"text": \n')
    files = files_of(folder, root=folder)
    gone = replace(files[0], file=folder / "gone.txt", path="gone.txt")
    service.failing = lambda document: "Too long." if document["path"] == "b.md" else ""
    report = run(service, [gone, *files])
    assert report.added == 3
    reasons = dict(report.failures)
    assert set(reasons) == {"gone.txt", "empty.md", "records.jsonl#2", "b.md"}
    assert reasons["b.md"] == "Too long."
    assert reasons["gone.txt"].startswith("It cannot be opened")


def test_a_service_that_fails_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "_BATCH_DOCUMENTS", 1)
    for number in range(40):
        (tmp_path / f"{number:02}.txt").write_text("text")
    sent = []

    def send(body: dict[str, Any]) -> dict[str, Any]:
        sent.append(body)
        raise ConnectionError("gone")

    files = files_of(tmp_path)
    with pytest.raises(ConnectionError, match="gone"):
        ingest(files, send, metadata={}, on_progress=ignore)
    assert len(sent) <= 6


def test_several_batches_are_under_way_and_no_more(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingestion, "_BATCH_DOCUMENTS", 1)
    for number in range(9):
        (tmp_path / f"{number}.txt").write_text("text")
    together = threading.Barrier(3, timeout=5)
    running: list[int] = []
    most: list[int] = []

    def send(body: dict[str, Any]) -> dict[str, Any]:
        running.append(1)
        most.append(len(running))
        together.wait()
        running.pop()
        return service.send(body)

    report = ingest(files_of(tmp_path), send, metadata={}, on_progress=ignore)
    assert report.added == 9
    assert max(most) == 3


def test_progress_grows_to_the_bytes_of_all_files(folder: Path, service: Service) -> None:
    (folder / "picture.md").write_bytes(b"")
    (folder / "umlauts.txt").write_text("ü" * 3000)
    (folder / "records.jsonl").write_text('{"text": "one"}\n' * 200)
    files = files_of(folder)
    seen: list[int] = []
    ingest(
        files,
        service.send,
        metadata={},
        on_progress=lambda done_bytes, report: seen.append(done_bytes),
    )
    assert seen == sorted(seen)
    assert len(seen) > 2
    assert seen[-1] == sum(file.size_bytes for file in files)


def test_nothing_to_read_sends_nothing(service: Service) -> None:
    assert run(service, []) == Report()
    assert service.batches == []
