"""Which place a text names."""

from pathlib import Path

import pytest

from app.client.errors import CliError
from app.client.sources.git import GitSource
from app.client.sources.objects import ObjectSource
from app.client.sources.parse import source_of
from app.client.sources.source import FolderSource, SourceFailed

INTO = Path("/sync")


@pytest.mark.parametrize(
    ("text", "url", "branch", "below"),
    [
        ("git+https://h/o/docs.git", "https://h/o/docs.git", "", ""),
        ("git+https://h/o/docs@v1.2#a/b", "https://h/o/docs", "v1.2", "a/b"),
        ("git+ssh://git@h/o/docs.git", "ssh://git@h/o/docs.git", "", ""),
        ("git+git@h:o/docs.git@main", "git@h:o/docs.git", "main", ""),
        ("git+file:///srv/docs#guides/", "file:///srv/docs", "", "guides"),
    ],
)
def test_repositories(text: str, url: str, branch: str, below: str) -> None:
    source = source_of(text, root=None, into=INTO)
    assert isinstance(source, GitSource)
    assert (source.url, source.branch, source.below) == (url, branch, below)
    assert source.root == INTO
    assert source.into.name.startswith("docs-")


def test_a_password_is_no_part_of_the_paths() -> None:
    folders = {
        source_of(f"git+https://{who}h/o/docs", root=None, into=INTO).folder
        for who in ("", "me:old@", "me:new@")
    }
    assert len(folders) == 1


def test_other_places() -> None:
    bucket = source_of("s3://b/handbook/", root=None, into=INTO)
    assert isinstance(bucket, ObjectSource)
    assert bucket.folder.parent == INTO
    assert bucket.folder.name.startswith("handbook-")
    other = source_of("s3://c/handbook/", root=None, into=INTO)
    assert bucket.folder != other.folder
    assert isinstance(source_of("docs", root=Path(), into=INTO), FolderSource)


@pytest.mark.parametrize(
    "text", ["ftp://h/x", "git+", "git+--upload-pack=x", "git+https://h/x#../y"]
)
def test_what_names_no_place(text: str) -> None:
    with pytest.raises(CliError):
        source_of(text, root=None, into=INTO)


def test_a_folder_changes_by_its_files(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("one")
    source = FolderSource(tmp_path, None)
    assert (source.refresh(), source.refresh()) == (True, False)
    file.write_text("other")
    assert source.refresh()
    (tmp_path / "b.md").write_text("b")
    assert source.refresh()
    file.unlink()
    assert (source.refresh(), source.refresh()) == (True, False)
    with pytest.raises(SourceFailed):
        FolderSource(tmp_path / "gone", None).refresh()
