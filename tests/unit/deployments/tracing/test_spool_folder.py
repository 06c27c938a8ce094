"""The folder of a destination, in a place of this user alone."""

import os
from pathlib import Path

import pytest

from deployments.contracts.errors import ConfigError
from deployments.tracing.spool_folder import spool_folder


@pytest.fixture
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_destinations_never_share_a_folder(tmp_path: Path) -> None:
    first, second = (spool_folder(tmp_path, name) for name in ("one", "two"))
    assert first != second
    assert first == spool_folder(tmp_path, "one")
    assert first.parent == second.parent == tmp_path


def test_the_folder_of_last_resort_is_this_users(temp: Path) -> None:
    folder = spool_folder(None, "one")
    assert folder.parent == temp / f"ragserve-spool-{os.getuid()}"
    assert folder.parent.stat().st_mode & 0o077 == 0
    assert spool_folder(None, "one") == folder


def test_a_folder_that_others_can_read_is_refused(temp: Path) -> None:
    spool_folder(None, "one").parent.chmod(0o755)
    with pytest.raises(ConfigError, match="spool_dir"):
        spool_folder(None, "one")


def test_a_link_that_somebody_laid_is_refused(temp: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    (temp / f"ragserve-spool-{os.getuid()}").symlink_to(tmp_path / "theirs")
    with pytest.raises(ConfigError, match="spool_dir"):
        spool_folder(None, "one")
