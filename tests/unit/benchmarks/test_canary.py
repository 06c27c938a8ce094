"""The command: a small run, its table, its file, and its exit code."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from benchmarks import canary
from benchmarks.canary_study.cases import CASES, Case, Goal


def run(monkeypatch: pytest.MonkeyPatch, cases: list[Case], *options: str) -> Result:
    monkeypatch.setattr(canary, "CASES", cases)
    app = typer.Typer()
    app.command()(canary.main)
    return CliRunner().invoke(app, ["--runs", "20", "--seed", "3", *options])


def case(name: str) -> Case:
    return next(one for one in CASES if one.scenario.name == name)


def test_a_small_run_prints_a_table_and_writes_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "canary.json"
    cases = [case("as good as stable"), replace(case("25 % slower"), part=4)]
    result = run(monkeypatch, cases, "--output", str(output))
    assert result.exit_code == 0
    assert "as good as stable" in result.output
    assert "rolled back <= 1%: too few runs" in result.output
    written = json.loads(output.read_text())
    measured = written["results"]["cases"]
    assert [one["rule"] for one in measured] == 2 * ["ours", "Mann-Whitney", "window"]
    assert [one["runs"] for one in measured] == [20, 1, 1, 5, 1, 1]
    assert measured[3]["rolled_back"] == 1.0
    assert measured[0]["goals"] == {"rolled back <= 1%": None}
    assert written["results"]["decision_us"] > 0
    assert written["configuration"]["policy"]["baseline_ratio"] == 4.0


def test_a_baseline_that_knows_no_errors_lets_nobody_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blind = replace(case("errors 5 %, stable's unknown"), others=False)
    result = run(monkeypatch, [blind])
    assert result.exit_code == 0
    assert "promoted <= 0%: met" in result.output
    assert "error insufficient >= 100%: met" in result.output


def test_a_missed_goal_is_named_and_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    hopeless = replace(
        case("25 % slower"), goals=(Goal("rolled_back", runs=1, at_most=0.1),), others=False
    )
    result = run(monkeypatch, [hopeless])
    assert result.exit_code == 1
    assert "Goal missed: 25 % slower, baseline 4x: rolled back <= 10%" in result.output
