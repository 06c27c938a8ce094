"""The id of an MLflow experiment by its name, over the REST API; MLflow itself takes seconds to
import."""

from typing import Any

import httpx

_API = "/api/2.0/mlflow/experiments"


def resolve_experiment(client: httpx.Client, server_url: str, name: str) -> str:
    """Returns the id of an experiment, which is created, or restored where somebody deleted it.

    Several processes may do this at once: one of them creates it, the others find it.

    Raises:
        httpx.HTTPError: The server does not answer, or refuses.
        ValueError: What answers is not an MLflow server.
    """
    url = server_url + _API
    found = _find(client, url, name)
    if found is None:
        created = client.post(f"{url}/create", json={"name": name})
        if created.is_success:
            return _text(created.json(), "experiment_id")
        found = _find(client, url, name)
        if found is None:
            created.raise_for_status()
            raise ValueError("the server neither creates the experiment nor has it")
    experiment_id = _text(found, "experiment_id")
    if found.get("lifecycle_stage") == "deleted":
        restored = client.post(f"{url}/restore", json={"experiment_id": experiment_id})
        if not restored.is_success and restored.status_code != httpx.codes.BAD_REQUEST:
            restored.raise_for_status()  # 400: another process restored it meanwhile
    return experiment_id


def _find(client: httpx.Client, url: str, name: str) -> dict[str, Any] | None:
    response = client.get(f"{url}/get-by-name", params={"experiment_name": name})
    if response.status_code == httpx.codes.NOT_FOUND and "RESOURCE_DOES_NOT_EXIST" in response.text:
        return None
    response.raise_for_status()
    body = response.json()
    found = body.get("experiment") if isinstance(body, dict) else None
    if not isinstance(found, dict):
        raise ValueError("the answer holds no experiment")
    return found


def _text(body: Any, key: str) -> str:
    value = body.get(key) if isinstance(body, dict) else None
    if not isinstance(value, str) or not value:
        raise ValueError(f"the answer holds no {key}")
    return value
