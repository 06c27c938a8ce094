"""Runs in MLflow, written to a database and read back."""

import json
from pathlib import Path

import pytest

from benchmarks.quality.mlflow_runs import EXPERIMENT, metrics_of, record
from deployments.tracking.mlflow.server import open_client
from deployments.tracking.mlflow.whole_run import NotRecorded

FIGURES = {
    "ndcg_at_10": {"value": 0.7, "ci95": [0.6, 0.8]},
    "queries": 35,
    "stage_p50_ms": {"embedder": 4.5},
    "curve": {"by": "score", "points": [{"risk": 0.1}]},
}
RESULT = {"environment": {"commit": "abc-dirty"}, "results": {"adi": FIGURES}}


def test_estimates_are_three_metrics_and_what_is_no_number_stays_out() -> None:
    assert dict(metrics_of(FIGURES)) == {
        "ndcg_at_10": 0.7,
        "ndcg_at_10_ci_low": 0.6,
        "ndcg_at_10_ci_high": 0.8,
        "queries": 35.0,
        "stage_p50_ms.embedder": 4.5,
    }


@pytest.mark.filterwarnings("ignore:.*noload:DeprecationWarning")  # MLflow's own store
def test_run_has_figures_settings_commit_and_the_whole_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    run_id = record(
        uri,
        dataset="adi",
        stage="dense",
        figures=FIGURES,
        parameters={"top_k": 30, "retrieval": {"embedder": {"model": "m"}}, "sample": None},
        result=RESULT,
    )
    client = open_client(uri)
    run = client.get_run(run_id)
    experiment = client.get_experiment(run.info.experiment_id)
    assert experiment.name == EXPERIMENT
    assert run.info.run_name == "adi dense"
    assert run.info.status == "FINISHED"
    assert run.data.metrics == dict(metrics_of(FIGURES))
    assert run.data.params == {
        "dataset": "adi",
        "stage": "dense",
        "top_k": "30",
        "retrieval.embedder.model": "m",
    }
    assert run.data.tags["commit"] == "abc-dirty"
    assert run.data.tags["dataset"] == "adi"
    written = client.download_artifacts(run_id, "quality.json", str(tmp_path))
    assert json.loads(Path(written).read_text()) == RESULT


def test_server_that_is_not_there_is_an_error_in_words() -> None:
    with pytest.raises(NotRecorded, match="MLflow did not take the run"):
        record(
            "http://127.0.0.1:9",
            dataset="adi",
            stage="dense",
            figures={},
            parameters={},
            result=RESULT,
        )
