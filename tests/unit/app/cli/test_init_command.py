"""`ragserve init`: the shipped files, unchanged, and nothing of the user's written over."""

from pathlib import Path

import pytest

from app.cli.init import init
from app.client.errors import CliError

ROOT = Path(__file__).parents[4]


def test_it_writes_the_shipped_file_and_says_what_comes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init(tmp_path / "mine")
    written = (tmp_path / "mine" / "serve_config.yaml").read_text()
    assert written == (ROOT / "serve_config.yaml").read_text()
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["serve_config.yaml"]
    assert "ragserve up" in capsys.readouterr().out


def test_it_writes_the_files_that_were_asked_for(tmp_path: Path) -> None:
    init(tmp_path, cluster=True, gpu=True)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "serve_config.cluster.yaml",
        "serve_config.gpu.yaml",
        "serve_config.yaml",
    ]


def test_it_leaves_what_is_there_alone_unless_it_is_told_otherwise(tmp_path: Path) -> None:
    mine = tmp_path / "serve_config.yaml"
    mine.write_text("mine")
    with pytest.raises(CliError, match="serve_config.yaml is there already"):
        init(tmp_path, cluster=True)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["mine"]
    init(tmp_path, force=True)
    assert "applications:" in mine.read_text()
