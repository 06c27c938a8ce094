"""An evaluation in MLflow, written to a database and read back."""

import json
from pathlib import Path

import pytest

from app.cli.evaluate.judging import Judged
from app.cli.evaluate.questions import Known
from app.cli.evaluate.record import EXPERIMENT, record
from app.cli.evaluate.summary import summarize
from app.client.errors import CliError
from deployments.tracking.mlflow.server import open_client

KNOWN = Known.model_validate({"question": "How long?", "answer": "30 s"})
JUDGED = [
    Judged(KNOWN, release, "It takes 30 s.", "", True, None, is_right, 12.0)
    for release, is_right in (("one", True), ("two", False))
]


@pytest.mark.filterwarnings("ignore:.*noload:DeprecationWarning")  # MLflow's own store
def test_each_release_is_a_run_with_its_figures_answers_and_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = open_client(uri)
    runs = [client.get_run(run_id) for run_id in record(uri, "set", JUDGED, summarize(JUDGED))]
    assert client.get_experiment(runs[0].info.experiment_id).name == EXPERIMENT
    assert [run.data.tags["release"] for run in runs] == ["one", "two"]
    assert [run.data.metrics["right"] for run in runs] == [1.0, 0.0]
    written = Path(client.download_artifacts(runs[1].info.run_id, "answers.jsonl", str(tmp_path)))
    [line] = [json.loads(line) for line in written.read_text().splitlines()]
    assert (line["question"], line["release"], line["is_right"]) == ("How long?", "two", False)
    picture = client.download_artifacts(runs[0].info.run_id, "shares.png", str(tmp_path))
    assert Path(picture).read_bytes().startswith(b"\x89PNG")


def test_a_server_that_is_not_there_is_an_error_in_words() -> None:
    with pytest.raises(CliError, match="MLflow did not take the run"):
        record("http://127.0.0.1:9", "set", JUDGED, summarize(JUDGED))
