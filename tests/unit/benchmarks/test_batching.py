"""The command: what it refuses, and what a quick run leaves behind."""

import json
import warnings
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import batching

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    import ray.serve.context


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setattr(ray.serve.context, "_INTERNAL_REPLICA_CONTEXT", None)
    made = typer.Typer()
    made.command()(batching.main)
    return made


def test_an_unknown_workload_is_refused_before_anything_runs(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["--workload", "constant", "--workload", "fancy"])
    assert result.exit_code == 2
    assert "fancy" in result.output


def test_a_quick_run_writes_its_result_and_its_picture(app: typer.Typer, tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text(
        "arrival_s,input_tokens,output_tokens\n"
        + "".join(f"{index * index / 1e3},1,1\n" for index in range(200))
    )
    result = CliRunner().invoke(
        app,
        [
            *("--quick", "--workload", "constant", "--duration", "0.05"),
            *("--trace", str(trace), "--max-batch-requests", "4"),
            *("--output", str(tmp_path / "a.json"), "--plot", str(tmp_path / "a.png")),
        ],
        catch_exceptions=False,
    )
    assert result.exit_code == 0
    assert "fixed wait" in result.stdout
    written = json.loads((tmp_path / "a.json").read_text())
    assert written["configuration"]["loads_percent"] == [50, 120]
    assert written["configuration"]["trace"] == "trace.csv"
    assert written["results"][0]["name"] == "constant"
    # 20 ms for a batch of four.
    assert 20 < written["results"][0]["capacity_per_s"] <= 200
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
