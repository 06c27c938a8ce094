"""The command line of the benchmark of answers."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from benchmarks import answers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text('{"id": "1", "title": "", "text": "A tower."}\n')
    (folder / "qa.jsonl").write_text('{"id": "q", "question": "What?", "answers": ["tower"]}\n')
    return folder


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(answers.main)
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "400"})


def test_missing_folder_is_named(tmp_path: Path) -> None:
    done = run("--data", tmp_path / "nowhere")
    assert done.exit_code == 2
    assert "There is no folder" in done.output


def test_data_without_questions_is_refused(folder: Path) -> None:
    (folder / "qa.jsonl").unlink()
    done = run("--data", folder)
    assert done.exit_code == 2
    assert "has no qa.jsonl" in done.output


def test_service_that_is_not_there_is_an_error_in_words(folder: Path) -> None:
    done = run("--data", folder, "--http", "http://127.0.0.1:9")
    assert done.exit_code == 1
    assert "127.0.0.1:9" in done.output
    assert "Traceback" not in done.output


def test_help_has_an_example() -> None:
    assert "python -m benchmarks.answers --data" in run("--help").output
