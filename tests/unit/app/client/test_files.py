"""Which files of a folder are read, and under what path the index knows them."""

import os
import sys
from pathlib import Path

import pytest

from app.client import files
from app.client.errors import CliError
from app.client.files import IGNORE_FILE, LeftOut, SourceFile, find_files
from deployments.contracts.documents import ReadFailure


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "top"
    for name in ("guide.md", "drafts/idea.md", "drafts/keep.md", "data/table.csv", "logo.svg"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"The text of {name}.")
    return folder


def read(top: Path, *exclude: str) -> list[str]:
    found = find_files([top], root=top.parent, exclude=exclude)
    return [item.path.removeprefix("top/") for item in found if isinstance(item, SourceFile)]


def left_out(top: Path, *exclude: str) -> dict[str, str]:
    found = find_files([top], root=top.parent, exclude=exclude)
    return {
        item.path.removeprefix("top/"): item.kind for item in found if isinstance(item, LeftOut)
    }


def test_what_is_left_out_is_told_with_its_kind(top: Path) -> None:
    (top / ".env.json").write_text("{}")
    (top / "node_modules").mkdir()
    assert left_out(top) == {
        ".env.json": "hidden",
        "node_modules": "hidden",
        "logo.svg": "unread format",
    }


def test_patterns_are_those_of_git(top: Path) -> None:
    assert read(top, "drafts/*", "!drafts/keep.md", "*.csv") == ["guide.md", "drafts/keep.md"]
    assert left_out(top, "drafts/")["drafts"] == "excluded"


def test_a_file_in_the_folder_says_the_same(top: Path) -> None:
    (top / IGNORE_FILE).write_text("# not ready\ndrafts/\n")
    assert read(top) == ["guide.md", "data/table.csv"]


def test_a_pattern_that_cannot_be_read_is_an_error(top: Path) -> None:
    with pytest.raises(CliError, match="pattern"):
        read(top, "!")


def test_a_link_that_leads_out_is_passed_over_and_named(top: Path) -> None:
    secret = top.parent / "secret.json"
    secret.write_text('{"text": "hunter2"}')
    (top / "settings.json").symlink_to(secret)
    (top / "elsewhere").symlink_to(top.parent)
    (top / "one.md").symlink_to("guide.md")
    assert "one.md" in read(top)
    told = left_out(top)
    assert told["settings.json"] == told["elsewhere"] == "link out of the folder"


def test_a_link_to_what_is_hidden_in_the_folder_is_passed_over(top: Path) -> None:
    (top / ".git").mkdir()
    (top / ".git" / "config.md").write_text("token")
    (top / "harmless.md").symlink_to(".git/config.md")
    assert left_out(top)["harmless.md"] == "link out of the folder"


def test_a_document_keeps_its_path_when_its_link_is_switched(top: Path) -> None:
    """As a volume of Kubernetes changes: by a link from hidden folder to hidden folder."""
    for version in ("..one", "..two"):
        (top / version).mkdir()
        (top / version / "faq.md").write_text(version)
    (top / "..data").symlink_to("..one")
    (top / "faq.md").symlink_to("..data/faq.md")
    before = read(top)
    (top / "..data").unlink()
    (top / "..data").symlink_to("..two")
    assert read(top) == before
    assert "faq.md" in before


def test_pipes_are_never_opened(top: Path) -> None:
    os.mkfifo(top / "pipe.md")
    assert "pipe.md" not in read(top)
    assert left_out(top)["pipe.md"] == "no regular file"
    (failure,) = find_files([top / "pipe.md"], root=top)
    assert failure == ReadFailure("pipe.md", "It is no file, but a pipe or a device.")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_no_utf8_stay_apart(top: Path) -> None:
    for name in (b"na\xefve.md", b"na\xeeve.md"):
        Path(os.fsdecode(os.path.join(os.fsencode(top), name))).write_text("A note.")
    paths = [path for path in read(top) if path.startswith("na")]
    assert sorted(paths) == [r"na\xeeve.md", r"na\xefve.md"]


def test_a_file_that_is_too_large_is_a_failure_before_it_is_read(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 10)
    found = list(find_files([top / "guide.md"], root=top))
    assert isinstance(found[0], ReadFailure)
    assert "bytes" in found[0].message
