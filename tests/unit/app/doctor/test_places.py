"""Folders that cannot be written to, as somebody who is not root, and disks that are far away."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.doctor.places import (
    check_index,
    check_sqlite,
    check_writable,
    file_system_of,
    index_folders,
    mounted,
)

ROOT = Path(__file__).parents[4]
MOUNTS = [("/", "ext4"), ("/home", "nfs4"), ("/home/me/disk", "xfs")]


def test_a_folder_that_is_there_or_can_be_made(tmp_path: Path) -> None:
    assert check_writable("a", tmp_path).verdict == "ok"
    assert check_writable("a", tmp_path / "b" / "c").verdict == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    finding = check_writable("a", tmp_path / "file" / "below")
    assert (finding.verdict, "is no folder" in finding.found) == ("wrong", True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others can look into and not write to."""
    made = Path(tempfile.mkdtemp(prefix="ragserve-closed-"))
    made.chmod(0o555)
    yield made
    made.rmdir()


def test_a_folder_of_somebody_else(folder: Path) -> None:
    """root writes wherever it wants: a process of another user asks."""
    code = (
        "import os, sys; from pathlib import Path; from app.doctor.places import check_writable\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "finding = check_writable('a', Path(sys.argv[1]))\n"
        "print(finding.verdict, finding.found, finding.remedy)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, folder],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert ended.stdout.startswith(f"wrong {folder}: Permission denied Let this user write to")


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("/var/x.db", "ext4"),
        ("/home/x.db", "nfs4"),
        ("/home/me/disk/x", "xfs"),
        ("/homes/x", "ext4"),
    ],
)
def test_the_nearest_mount_holds_a_file(file: str, kind: str) -> None:
    assert file_system_of(Path(file), MOUNTS) == kind


def test_sqlite_over_a_network_is_wrong() -> None:
    finding = check_sqlite("database", "sqlite:////home/control.db", MOUNTS)
    assert finding is not None
    assert (finding.verdict, "(nfs4)" in finding.found) == ("wrong", True)
    near = check_sqlite("database", "sqlite:////home/me/disk/control.db", MOUNTS)
    assert near is not None
    assert near.verdict == "ok"
    assert check_sqlite("database", "postgresql://host/x", MOUNTS) is None


def test_this_machine_says_what_holds_a_file(tmp_path: Path) -> None:
    assert file_system_of(tmp_path / "x.db", mounted())


def test_folders_of_indexes_are_named_by_the_environment_and_by_settings() -> None:
    document = {
        "applications": [
            {"name": "gateway"},
            {"name": "retrieval", "args": {"index": {"path": "/data/index"}}},
            {"name": "memory", "args": {"index": {"path": ""}}},
        ]
    }
    assert index_folders({"RAGSERVE_INDEX_DIR": "/index"}, document) == {
        "RAGSERVE_INDEX_DIR": Path("/index"),
        "index.path of retrieval": Path("/data/index"),
    }
    assert index_folders({}, None) == {}


def test_an_index_over_a_network_is_wrong(tmp_path: Path) -> None:
    near = list(check_index("index", tmp_path, [("/", "ext4")]))
    far = list(check_index("index", tmp_path, [("/", "nfs4")]))
    assert [finding.verdict for finding in near] == ["ok"]
    assert [finding.verdict for finding in far] == ["ok", "wrong"]
