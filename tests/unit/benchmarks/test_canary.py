"""The command: a small run, its table and its file."""

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from benchmarks import canary


def test_a_small_run_prints_a_table_and_writes_its_result(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(canary, "_CASES", [canary._CASES[0], canary._CASES[7]])
    app = typer.Typer()
    app.command()(canary.main)
    output = tmp_path / "canary.json"
    result = CliRunner().invoke(
        app, ["--runs", "10", "--seed", "3", "--output", str(output)], catch_exceptions=False
    )
    assert result.exit_code == 0
    assert "as good as stable" in result.output
    written = json.loads(output.read_text())
    cases = written["results"]["cases"]
    assert [one["rule"] for one in cases] == 2 * ["ours", "Mann-Whitney", "window"]
    assert [one["runs"] for one in cases] == [10, 2, 2, 2, 2, 2]
    assert cases[3]["rolled_back"] == 1.0
    assert written["results"]["verdict_us"] > 0
    assert written["configuration"]["policy"]["baseline_ratio"] == 4.0
