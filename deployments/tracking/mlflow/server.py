"""A client of the MLflow server that gives up soon, and what its errors mean."""

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deployments.contracts.errors import RagError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.tracing.client import TracingClient

_SETTINGS = {
    # A request that hangs must not hold up the writer; who repeats it looks first what was done.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""What the library takes from the environment only. Values that are set already stay."""
_REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST", "INVALID_STATE")


def open_client(tracking_uri: str) -> "MlflowClient":
    """Returns a client of one server, whatever else in this process talks to MLflow. The import
    takes seconds."""
    _set_environment()
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def open_traces(tracking_uri: str) -> "TracingClient":
    """Returns a client of the traces of one server, which knows what is said of them."""
    _set_environment()
    from mlflow.tracing.client import TracingClient

    return TracingClient(tracking_uri)


def _set_environment() -> None:
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)


async def mlflow_state(tracking_uri: str, *, timeout_s: float) -> str:
    """Returns "ok" where the server answers, else what is wrong with it in a sentence."""
    import httpx

    try:
        async with httpx.AsyncClient(timeout=timeout_s, trust_env=False) as client:
            answer = await client.get(f"{tracking_uri.rstrip('/')}/health")
    except httpx.HTTPError:
        return "MLflow does not answer."
    return "ok" if answer.is_success else f"MLflow answers with status {answer.status_code}."


def experiment_id(client: "MlflowClient", name: str) -> str:
    """Returns the id of an experiment, which is created, or restored where somebody deleted it."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(name)
            assert found is not None
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def log_bytes(client: "MlflowClient", run_id: str, content: bytes, name: str) -> None:
    """Keeps a file among the artifacts of a run."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(content)
        client.log_artifact(run_id, str(file))


def may_pass(error: Exception) -> bool:
    """Returns whether the same call may succeed later: what MLflow itself refuses never will, while
    a proxy in front of it may say anything for a while."""
    from google.protobuf.json_format import Error as NotInTheFormat
    from mlflow.exceptions import MlflowException, RestException
    from urllib3.exceptions import HTTPError

    if isinstance(error, RestException):
        return error.error_code not in _REFUSALS
    # An answer that cannot be read is no refusal either.
    unreadable = json.JSONDecodeError, NotInTheFormat
    return isinstance(error, (MlflowException, OSError, RagError, HTTPError, *unreadable))


def without_password(text: str, tracking_uri: str) -> str:
    """Returns a text without the user and the password of an address."""
    user, at, _ = urlsplit(tracking_uri).netloc.rpartition("@")
    return text.replace(user + at, "") if at else text
