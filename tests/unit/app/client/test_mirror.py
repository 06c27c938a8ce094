"""Which documents go when a folder is mirrored: those whose file is gone, and no others."""

from pathlib import Path

import pytest

from app.client.errors import CliError
from app.client.files import find_files
from app.client.mirror import (
    IndexedPath,
    find_missing,
    folder_prefixes,
    paths_kept,
    require_files,
)


def missing(*indexed: str, sent: tuple[str, ...] = (), kept: tuple[str, ...] = ()) -> list[str]:
    found = find_missing(
        [IndexedPath(f"id of {path}", path) for path in indexed],
        prefixes=["docs/"],
        sent=sent,
        kept=kept,
    )
    return [document.path for document in found]


def test_documents_of_the_folder_that_were_not_sent_are_missing() -> None:
    assert missing("docs/a.md", "docs/b.md", sent=("docs/a.md",)) == ["docs/b.md"]


def test_documents_of_other_origin_stay() -> None:
    assert missing("docs.md", "docs2/a.md", "/docs/a.md", "handbook-4") == []


def test_records_that_left_their_file_are_missing() -> None:
    indexed = ("docs/faq.jsonl#1", "docs/faq.jsonl#2")
    assert missing(*indexed, sent=("docs/faq.jsonl#2",)) == ["docs/faq.jsonl#1"]


def test_what_was_left_out_or_failed_stays_with_all_that_came_of_it() -> None:
    indexed = ("docs/old/a.md", "docs/old/sub/b.md", "docs/faq.jsonl#1", "docs/c.md", "docs/d.md")
    assert missing(*indexed, kept=("docs/old", "docs/faq.jsonl", "docs/c.md")) == ["docs/d.md"]


def test_a_folder_that_is_the_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="the root itself"):
        folder_prefixes([tmp_path], root=tmp_path)


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    """A disk that is not mounted must not cost the index its documents."""
    (tmp_path / "docs").mkdir()
    folders = [tmp_path / "docs"]
    with pytest.raises(CliError, match="nothing is deleted"):
        require_files(folders, find_files(folders, root=tmp_path), root=tmp_path)
    (tmp_path / "docs" / "a.md").write_text("A note.")
    require_files(folders, find_files(folders, root=tmp_path), root=tmp_path)


def test_what_failed_or_was_left_out_is_kept(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "photo.png").write_bytes(b"x")
    found = list(find_files([tmp_path / "docs"], root=tmp_path))
    assert paths_kept(found, [("docs/b.md", "damaged")]) == {"docs/photo.png", "docs/b.md"}
