"""A run that is over when it is written: figures of something that was measured."""

from collections.abc import Mapping
from typing import Any

from deployments.tracking.mlflow.limits import PARAM_CHARACTERS, key_of, text_of
from deployments.tracking.mlflow.server import (
    experiment_id,
    log_bytes,
    open_client,
    without_password,
)


class NotRecorded(Exception):
    """MLflow did not take a run; the message says why."""


def record_run(
    tracking_uri: str,
    *,
    experiment: str,
    name: str,
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    params: Mapping[str, Any],
    artifacts: Mapping[str, bytes],
) -> str:
    """Writes a run, and returns its id.

    Args:
        tracking_uri: Address of the MLflow server.
        experiment: Name of its experiment.
        name: Of the run.
        tags: By name.
        metrics: By name.
        params: By name; what is no text is written as JSON.
        artifacts: Files that go with it, by name.

    Raises:
        NotRecorded: MLflow does not answer, or refuses.
    """
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.exceptions import MlflowException

    client = open_client(tracking_uri)
    try:
        run = client.create_run(experiment_id(client, experiment), run_name=name, tags=dict(tags))
        run_id, at_ms = str(run.info.run_id), run.info.start_time
        client.log_batch(
            run_id,
            metrics=[Metric(key_of(key), number, at_ms, 0) for key, number in metrics.items()],
            params=[
                Param(key_of(key), text_of(value)[:PARAM_CHARACTERS])
                for key, value in params.items()
            ],
            tags=[RunTag(key, value) for key, value in tags.items()],
        )
        for file, content in artifacts.items():
            log_bytes(client, run_id, content, file)
        client.set_terminated(run_id, "FINISHED")
    except (MlflowException, OSError) as error:
        reason = without_password(str(error), tracking_uri)
        raise NotRecorded(f"MLflow did not take the run: {reason}") from error
    return run_id
