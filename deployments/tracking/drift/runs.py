"""Every comparison of two windows as a run in MLflow. One that is repeated has one run."""

import json
from typing import TYPE_CHECKING

from deployments.drift import DriftReport
from deployments.tracking.drift.note import drift_metrics, drift_note, drift_tags
from deployments.tracking.mlflow.server import experiment_id, log_bytes, open_client

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ID_TAG = "ragserve.drift_id"
_NOTE_CHARACTERS = 7500
_MS = 1000


class DriftRuns:
    """Writes reports to MLflow. All methods raise MlflowException.

    Args:
        tracking_uri: Address of the MLflow server.
        experiment: The experiment that has the runs.
    """

    def __init__(self, tracking_uri: str, experiment: str = "ragserve-drift") -> None:
        self._tracking_uri = tracking_uri
        self._experiment = experiment
        self._client: MlflowClient | None = None

    def has(self, release: str, *, from_s: float, until_s: float) -> bool:
        """Returns whether a comparison is on record, by its release, beginning and end."""
        return bool(self._finished(_id_of(release, from_s, until_s)))

    def record(self, report: DriftReport, picture: bytes | None) -> str:
        """Writes a report, and returns the id of its run.

        Args:
            report: What was found.
            picture: A PNG of it, None where there is none.
        """
        from mlflow.entities import Metric, Param, RunTag

        client, known = self._open(), _id_of_report(report)
        found = self._search(f"tags.`{_ID_TAG}` = '{known}'")
        at_ms = round(report.current.to_s * _MS)
        run_id = (
            found
            or client.create_run(
                experiment_id(client, self._experiment),
                start_time=at_ms,
                run_name=f"{report.release}: {report.verdict.replace('_', ' ')}",
                tags={_ID_TAG: known},
            ).info.run_id
        )
        tags = drift_tags(report) | {"mlflow.note.content": drift_note(report)[:_NOTE_CHARACTERS]}
        client.log_batch(
            run_id,
            metrics=[
                Metric(name, value, at_ms, 0) for name, value in drift_metrics(report).items()
            ],
            params=[
                Param("release", report.release),
                Param("reference_s", f"{report.reference.to_s - report.reference.from_s:.0f}"),
                Param("current_s", f"{report.current.to_s - report.current.from_s:.0f}"),
            ],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )
        client.log_text(run_id, json.dumps(report.to_json(), indent=1), "drift.json")
        if picture is not None:
            log_bytes(client, run_id, picture, "drift.png")
        client.set_terminated(run_id, "FINISHED")
        return run_id

    def _finished(self, known: str) -> str:
        return self._search(f"tags.`{_ID_TAG}` = '{known}' AND attributes.status = 'FINISHED'")

    def _search(self, condition: str) -> str:
        """Returns the id of the run, empty where there is none."""
        client = self._open()
        found = client.search_runs(
            [experiment_id(client, self._experiment)], condition, max_results=1
        )
        return str(found[0].info.run_id) if found else ""

    def _open(self) -> "MlflowClient":
        if self._client is None:
            self._client = open_client(self._tracking_uri)
        return self._client


def _id_of_report(report: DriftReport) -> str:
    return _id_of(report.release, report.reference.from_s, report.current.to_s)


def _id_of(release: str, from_s: float, until_s: float) -> str:
    return f"{release} {from_s:.0f} {until_s:.0f}"
