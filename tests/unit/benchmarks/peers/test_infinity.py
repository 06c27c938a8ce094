"""How infinity is started, and that an environment is made only once."""

from pathlib import Path

import pytest

from benchmarks.peers.infinity import (
    REQUIREMENTS,
    Engine,
    InfinityEnvironment,
    InstallFailed,
    prepare,
    ready_url,
)


@pytest.mark.parametrize("engine", ["torch", "optimum"])
def test_server_listens_on_this_machine_only(engine: Engine, tmp_path: Path) -> None:
    environment = InfinityEnvironment(tmp_path)
    command = environment.command(engine=engine, dtype="float32", port=7997)
    options = dict(zip(command[2::1], command[3::1], strict=False))
    assert command[0] == str(tmp_path / "venv" / "bin" / "infinity_emb")
    assert (options["--host"], options["--port"]) == ("127.0.0.1", "7997")
    assert (options["--engine"], options["--dtype"]) == (engine, "float32")
    assert (Path(options["--model-id"]) == environment.onnx_model) is (engine == "optimum")
    assert ready_url(7997) == "http://127.0.0.1:7997/v1/models"


def test_finished_environment_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("\n".join(REQUIREMENTS) + "\n", encoding="utf-8")
    steps: list[str] = []
    assert prepare(tmp_path, on_step=steps.append).folder == tmp_path
    assert steps == []


def test_failed_step_leaves_no_mark_of_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(InstallFailed, match="/bin/false -m venv"):
        prepare(tmp_path, on_step=lambda step: None)
    assert not (tmp_path / "requirements.txt").exists()
