"""The record of what runs."""

import stat
from pathlib import Path

import pytest

from app.client.errors import CliError
from app.local.home import Home, new_token
from app.local.state import ChildRecord, StackState, read_state, write_state

STATE = StackState(
    instance="one",
    started_s=1.5,
    temp_dir="/tmp/rag-12345678",
    api_url="http://127.0.0.1:8000",
    api_port=8000,
    dashboard_url="http://127.0.0.1:8265",
    children=(ChildRecord("ray", 7, 1.25, "/logs/ray.log"),),
    urls={"API": "http://127.0.0.1:8000"},
    ports={"api": 8000, "mlflow": None},
    versions={"ray": "2.60.0"},
    config_file="/project/serve_config.yaml",
    config_fingerprint="abc",
)


def test_state_survives_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    write_state(file, STATE)
    assert read_state(file) == STATE
    assert list(tmp_path.iterdir()) == [file], "no draft is left"


def test_no_file_is_no_state(tmp_path: Path) -> None:
    assert read_state(tmp_path / "state.json") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"children": [{"pid": 1}]}'])
def test_a_file_that_is_not_ours_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "state.json"
    file.write_text(text)
    with pytest.raises(CliError, match=r"state\.json cannot be read"):
        read_state(file)


def test_children_are_added_in_order() -> None:
    mlflow = ChildRecord("mlflow", 8, 2.0, "/logs/mlflow.log")
    assert [child.name for child in STATE.with_child(mlflow).children] == ["ray", "mlflow"]


def test_token_is_for_its_owner_only_and_new_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    file.chmod(0o644)
    first = new_token(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first != new_token(file)
    assert len(file.read_text()) == 64


def test_home_is_closed_to_others_and_hidden_from_git(tmp_path: Path) -> None:
    home = Home(tmp_path / "stack")
    home.create()
    home.create()
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700
    assert (home.root / ".gitignore").read_text() == "*\n"
