"""The command line of the benchmark of generation."""

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import generation
from benchmarks.peers.process import ServerFailed


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.command()(generation.main)
    return made


@pytest.mark.parametrize(
    "arguments",
    [
        ["--shape", "7b"],
        ["--only", "nobody"],
        ["--concurrency", "0"],
        ["--rounds", "0"],
        ["--max-tokens", "1"],
    ],
)
def test_senseless_option_is_refused(app: typer.Typer, arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_server_that_does_not_start_is_an_error_in_words(
    app: typer.Typer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise ServerFailed("the stack did not start:\nno memory")

    monkeypatch.setattr(generation, "stop_on_termination", lambda: None)
    monkeypatch.setattr(generation, "measure_way", fail)
    done = CliRunner().invoke(app, ["--only", "way"])
    assert done.exit_code == 1
    assert "no memory" in done.output
    assert "Traceback" not in done.output
