"""Comparisons of windows in a real MLflow server, which is away for a while."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers.mlflow_server import MlflowServer
from deployments.drift import DAY_S, DriftRequest
from deployments.tracking.drift.runs import DriftRuns
from deployments.tracking.drift.watch import DriftWatch
from deployments.tracking.mlflow.server import open_client
from tests.drift_samples import UNTIL_S, MemorySource, query_samples

EXPERIMENT = "drift-test"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def source() -> MemorySource:
    begins_s = UNTIL_S - DAY_S
    before = query_samples(900, from_s=begins_s - 7 * DAY_S, to_s=begins_s, seed=1)
    now = query_samples(300, from_s=begins_s, to_s=UNTIL_S, seed=2, topic=2.5)
    return MemorySource([*before, *now])


def test_a_day_is_one_run_with_its_verdict_figures_and_files(
    server: MlflowServer, source: MemorySource, tmp_path: Path
) -> None:
    watch = DriftWatch(source, DriftRuns(server.url, EXPERIMENT))
    assert watch.compare_day(now_s=UNTIL_S + 60) == 1
    # Another process does it again, as after a restart.
    again = DriftWatch(source, DriftRuns(server.url, EXPERIMENT))
    assert again.compare_day(now_s=UNTIL_S + 3600) == 0
    report = again.compare(DriftRequest("one", until_s=UNTIL_S), now_s=UNTIL_S)

    client: Any = open_client(server.url)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    found = client.search_runs(
        [experiment.experiment_id], "tags.verdict = 'drift' AND metrics.`queries.effect` > 0.6"
    )
    assert [run.info.run_id for run in found] == [report.run_id]
    [run] = found
    assert run.info.status == "FINISHED"
    assert run.data.tags["release"] == "one"
    assert run.data.tags["verdict.answer_words"] == "none"
    assert run.data.tags["mlflow.note.content"].startswith("Verdict: **drift**")
    assert run.data.metrics["current_samples"] == report.current.samples
    assert run.data.params["reference_s"] == "604800"
    kept = Path(client.download_artifacts(report.run_id, "drift.json", str(tmp_path)))
    assert json.loads(kept.read_text()) | {"run_id": report.run_id} == report.to_json()
    picture = Path(client.download_artifacts(report.run_id, "drift.png", str(tmp_path)))
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_server_that_is_away_costs_the_run_and_not_the_report(
    server: MlflowServer, source: MemorySource
) -> None:
    runs = DriftRuns(server.url, "drift-away")
    server.kill()
    try:
        report = DriftWatch(source, runs).compare(DriftRequest("one"), now_s=UNTIL_S)
        assert report.verdict == "drift"
        assert report.run_id == ""
    finally:
        server.start()
    assert DriftWatch(source, runs).compare_day(now_s=UNTIL_S + 60) == 1
