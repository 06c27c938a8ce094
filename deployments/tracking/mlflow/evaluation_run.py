"""An evaluation of a release as a run in MLflow."""

from collections.abc import Mapping

from deployments.tracking.mlflow.server import (
    experiment_id,
    log_bytes,
    open_client,
    without_password,
)

EXPERIMENT = "ragserve-evaluation"


class NotRecorded(Exception):
    """MLflow did not take a run; the message says why."""


def record_evaluation(
    tracking_uri: str,
    *,
    questions: str,
    release: str,
    figures: Mapping[str, float],
    artifacts: Mapping[str, bytes],
) -> str:
    """Writes a run, and returns its id.

    Args:
        tracking_uri: Address of the MLflow server.
        questions: Name of the set.
        release: Who was asked.
        figures: By name.
        artifacts: Files that go with it, by name.

    Raises:
        NotRecorded: MLflow does not answer, or refuses.
    """
    from mlflow.entities import Metric, Param
    from mlflow.exceptions import MlflowException

    client = open_client(tracking_uri)
    named = {"questions": questions, "release": release}
    try:
        run = client.create_run(
            experiment_id(client, EXPERIMENT), run_name=f"{questions} {release}", tags=named
        )
        run_id, at_ms = str(run.info.run_id), run.info.start_time
        client.log_batch(
            run_id,
            metrics=[Metric(name, value, at_ms, 0) for name, value in figures.items()],
            params=[Param(name, value) for name, value in named.items()],
        )
        for name, content in artifacts.items():
            log_bytes(client, run_id, content, name)
        client.set_terminated(run_id)
    except (MlflowException, OSError) as error:
        raise NotRecorded(without_password(str(error), tracking_uri)) from error
    return run_id
