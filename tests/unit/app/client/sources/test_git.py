"""A repository as a folder: real repositories, read by git."""

import os
import subprocess
from pathlib import Path

import pytest

from app.client.sources.git import GitSource
from app.client.sources.source import SourceFailed

WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "a"), ("EMAIL", "a@b.c"))
}


class Repository:
    """A repository that somebody writes to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")

    def git(self, *command: str) -> None:
        subprocess.run(["git", "-C", str(self.folder), *command], check=True, env=os.environ | WHO)

    def commit(self, **files: str | None) -> None:
        for name, content in files.items():
            path = self.folder / f"{name.replace('__', '/')}.md"
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "change")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "there")


def files(source: GitSource) -> dict[str, str]:
    return {
        str(path.relative_to(source.folder)): path.read_text()
        for path in sorted(source.folder.rglob("*.md"))
    }


def test_the_folder_is_as_the_newest_commit(repository: Repository, tmp_path: Path) -> None:
    repository.commit(a="one", guides__b="two")
    source = GitSource(str(repository.folder), "", "", tmp_path / "sync" / "x")
    assert source.refresh()
    assert files(source) == {"a.md": "one", "guides/b.md": "two"}
    assert not source.refresh()
    repository.commit(a=None, guides__b="changed")
    # What somebody has left in the copy is not of the repository.
    (source.folder / "stray.md").write_text("stray")
    assert source.refresh()
    assert files(source) == {"guides/b.md": "changed"}
    assert source.root == tmp_path / "sync"


def test_history_that_was_written_anew_is_followed(repository: Repository, tmp_path: Path) -> None:
    repository.commit(a="one")
    source = GitSource(str(repository.folder), "", "", tmp_path / "x")
    source.refresh()
    (repository.folder / "a.md").write_text("other")
    repository.git("commit", "--quiet", "--all", "--amend", "--message", "anew")
    assert source.refresh()
    assert files(source) == {"a.md": "other"}


def test_a_branch_and_a_folder_of_it(repository: Repository, tmp_path: Path) -> None:
    repository.commit(guides__b="main")
    repository.git("checkout", "--quiet", "-b", "next")
    repository.commit(guides__b="next", a="beside")
    source = GitSource(str(repository.folder), "next", "guides", tmp_path / "x")
    source.refresh()
    assert files(source) == {"b.md": "next"}
    missing = GitSource(str(repository.folder), "main", "handbook", tmp_path / "y")
    with pytest.raises(SourceFailed, match="no folder 'handbook'"):
        missing.refresh()


def test_a_new_process_goes_on_with_the_copy(repository: Repository, tmp_path: Path) -> None:
    repository.commit(a="one")
    GitSource(str(repository.folder), "", "", tmp_path / "x").refresh()
    again = GitSource(str(repository.folder), "", "", tmp_path / "x")
    assert again.refresh(), "a process that has read nothing takes all for new"


@pytest.mark.parametrize(
    ("url", "reason"),
    [("/no/such/repository", "does not"), ("https://me:secret@127.0.0.1:1/x", "127.0.0.1")],
)
def test_a_place_that_is_not_there_says_why_and_no_password(
    url: str, reason: str, tmp_path: Path
) -> None:
    source = GitSource(url, "", "", tmp_path / "x")
    with pytest.raises(SourceFailed, match=reason) as failed:
        source.refresh()
    assert "secret" not in str(failed.value) + source.name


def test_no_address_runs_a_program(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    source = GitSource(f"ext::sh -c touch% {mark}", "", "", tmp_path / "x")
    with pytest.raises(SourceFailed):
        source.refresh()
    assert not mark.exists()
