"""The command line of the benchmark of retrieval."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from benchmarks import retrieval


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text('{"id": "1", "title": "", "text": "A tower."}\n')
    (folder / "queries.jsonl").write_text('{"id": "q", "text": "tower"}\n')
    (folder / "qrels.tsv").write_text("q\t1\t1\n")
    return folder


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(retrieval.main)
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "400"})


def test_missing_folder_is_named(tmp_path: Path) -> None:
    done = run("--data", tmp_path / "nowhere")
    assert done.exit_code == 2
    assert "There is no folder" in done.output


def test_missing_file_is_named(folder: Path) -> None:
    (folder / "qrels.tsv").unlink()
    done = run("--data", folder)
    assert done.exit_code == 2
    assert "has no qrels.tsv" in done.output


def test_data_without_a_relevant_document_is_refused(folder: Path) -> None:
    (folder / "qrels.tsv").write_text("q\t1\t0\n")
    done = run("--data", folder)
    assert done.exit_code == 2
    assert "no query has a document" in done.output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--stages", "dense,best"], "'best' is not among dense, lexical, fused, reranked"),
        (["--stages", ","], "not among"),
        (["--config", "nowhere.yaml"], "cannot be read"),
        (["--release", "nobody"], "no release 'nobody'"),
        (["--set", "threads"], "is not PLACE=VALUE"),
        (["--set", "retrieval.embedder.colour=red"], "retrieval.embedder.colour"),
        (["--http", "localhost"], "is not an address"),
        (["--http", "http://127.0.0.1:9", "--whole-documents"], "as it was deployed"),
        (["--clean"], "are for a running service"),
        (["--top-k", "0"], "--top-k"),
        (["--sample", "0"], "--sample"),
    ],
)
def test_senseless_option_is_refused(folder: Path, options: list[str], says: str) -> None:
    done = run("--data", folder, *options)
    assert done.exit_code == 2
    assert says in done.output


def test_two_folders_of_one_name_are_refused(folder: Path) -> None:
    done = run("--data", folder, "--data", folder)
    assert done.exit_code == 2
    assert "the same name" in done.output


def test_service_that_is_not_there_is_an_error_in_words(folder: Path) -> None:
    done = run("--data", folder, "--http", "http://127.0.0.1:9")
    assert done.exit_code == 1
    assert "127.0.0.1:9" in done.output
    assert "Traceback" not in done.output


def test_help_has_an_example() -> None:
    assert "python -m benchmarks.retrieval --data" in run("--help").output
