"""The traces that MLflow has."""

import time
from collections.abc import Callable, Collection, Iterator

from mlflow.exceptions import MlflowException

from deployments.tracking.mlflow.server import open_client

_PAGE = 500
_LOOK_EVERY_S = 2.0


def missing_traces(
    mlflow_url: str,
    wanted: Collection[str],
    *,
    experiment: str,
    patience_s: float,
    on_look: Callable[[int], None],
) -> set[str]:
    """Returns which traces are not in MLflow, once all are or no more arrive.

    Args:
        mlflow_url: Address of the server.
        wanted: Trace ids, as 32 hexadecimal digits.
        experiment: Where they should be.
        patience_s: How long a new one is awaited.
        on_look: Told how many are there.
    """
    missing = set(wanted)
    for stored in _looks(mlflow_url, experiment, patience_s):
        missing = set(wanted) - stored
        on_look(len(wanted) - len(missing))
        if not missing:
            break
    return missing


def await_count(
    mlflow_url: str,
    wanted: int,
    *,
    experiment: str,
    patience_s: float,
    on_look: Callable[[int], None],
) -> int:
    """Returns how many traces MLflow has, once there are so many or no more arrive; see
    `missing_traces`."""
    found = 0
    for stored in _looks(mlflow_url, experiment, patience_s):
        found = len(stored)
        on_look(found)
        if found >= wanted:
            break
    return found


def _looks(mlflow_url: str, experiment: str, patience_s: float) -> Iterator[set[str]]:
    """Yields what is stored, again and again, until nothing was added for a while."""
    before: set[str] = set()
    last_arrival_s = time.monotonic()
    while time.monotonic() - last_arrival_s < patience_s:
        try:
            stored = _stored(mlflow_url, experiment)
        except MlflowException:
            stored = before  # it starts
        if len(stored) > len(before):
            last_arrival_s = time.monotonic()
        before = stored
        yield stored
        time.sleep(_LOOK_EVERY_S)


def _stored(mlflow_url: str, experiment: str) -> set[str]:
    client = open_client(mlflow_url)
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return set()
    ids: set[str] = set()
    token = None
    while True:
        page = client.search_traces(
            locations=[found.experiment_id],
            max_results=_PAGE,
            page_token=token,
            include_spans=False,
        )
        ids.update(trace.info.trace_id.removeprefix("tr-") for trace in page)
        token = page.token
        if not token:
            return ids
