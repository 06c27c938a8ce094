"""The command line itself: help, version, exit codes and how errors look."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import app, main
from app.cli.output import Progress, make_console, print_error, summary
from app.cli.status import duration, ready_lines
from app.client.errors import CliError

VERBS = ["up", "down", "status", "deploy"]
NOBODY = "http://127.0.0.1:9"  # the discard port: nothing answers there


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_help_lists_every_verb() -> None:
    code, output = run("--help")
    assert code == 0
    assert [verb for verb in VERBS if verb not in output] == []


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_teaches_by_an_example(verb: str) -> None:
    code, output = run(verb, "--help")
    assert code == 0
    assert f"Example: ragserve {verb}" in output


def test_version_is_printed() -> None:
    code, output = run("--version")
    assert code == 0
    assert output.startswith("ragserve ")


def test_help_loads_nothing_slow() -> None:
    """What makes `--help` answer at once: no Ray, no HTTP client, no schema library."""
    code = (
        "import sys, app.cli.main;"
        "slow = {'ray', 'httpx', 'psutil', 'yaml', 'pydantic', 'fastapi', 'torch'};"
        "print(sorted(slow & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "[]"


def test_status_of_nothing_says_so_and_fails(tmp_path: Path) -> None:
    code, output = run("status", "--home", str(tmp_path), "--url", NOBODY)
    assert code == 1
    assert f"{NOBODY} does not answer" in output


def test_status_as_json_can_be_parsed(tmp_path: Path) -> None:
    code, output = run("status", "--home", str(tmp_path), "--url", NOBODY, "--json")
    assert code == 1
    report = json.loads(output)
    assert report["ready"] is False
    assert report["children"] == []


def test_down_of_nothing_is_no_error(tmp_path: Path) -> None:
    code, output = run("down", "--home", str(tmp_path))
    assert code == 0
    assert "Nothing runs" in output


def test_an_error_is_one_line_and_a_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["ragserve", "deploy", "--home", str(tmp_path)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Error: Nothing runs of ")
    assert "ragserve up" in lines[1]
    assert len(lines) == 2


def test_an_error_text_is_never_taken_for_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(CliError("a [bold] b", "c [/x] d", "e [red] f"))
    assert capsys.readouterr().err == "Error: a [bold] b\n  e [red] f\nc [/x] d\n"


def test_progress_is_plain_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Progress(make_console()) as timeline:
        timeline.waiting("ray")
        timeline.starting("ray")
        timeline.starting("ray", "still")
        timeline.ready("ray", "fine")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("s  ", 1)[1] for line in lines] == [
        "ray: starting",
        "ray: ready after 0.0 s (fine)",
    ]
    assert summary(timeline) == ""


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (
            {"stages": {"embedder": "ready", "generator": {"ready": False}}},
            ["embedder: ready", "generator: ready False"],
        ),
        ({"stages": [{"name": "embedder", "ready": True}]}, ["name embedder, ready True"]),
        ({"releases": {"a": {"embedder": "ok"}}}, ["a: embedder ok"]),
        ({"detail": "starting"}, ["detail starting"]),
        (None, []),
    ],
    ids=["mapping", "list", "releases", "no-stages", "no-body"],
)
def test_stages_are_listed_whatever_their_shape(body: object, lines: list[str]) -> None:
    assert ready_lines(body) == lines


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5 s"), (65, "1 min 05 s"), (7500, "2 h 05 min"), (90000, "1 d 01 h")],
)
def test_durations_have_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
