"""How long MLflow keeps traces: it deletes none by itself, so that its database grows with every
answer."""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from deployments.contracts.errors import Unavailable
from deployments.tracking.mlflow.server import open_client, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient

_log = logging.getLogger("ray.serve")
_DAY_S = 86_400.0
_TRACES_PER_CALL = 200
"""Deleting them takes the server some tenths of a second, in which nobody else writes to SQLite."""
_PAUSE_S = 0.5
_CALLS = 500


class TraceRetention:
    """Deletes old traces of one experiment. Not for two threads at once.

    Args:
        tracking_uri: Address of the MLflow server.
        experiment: Name of the experiment that has the traces.
        days: Older ones are deleted.
        pause: Waits that many seconds between two calls.
    """

    def __init__(
        self,
        tracking_uri: str,
        experiment: str,
        *,
        days: float,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._tracking_uri = tracking_uri
        self._experiment = experiment
        self._days = days
        self._pause = pause
        self._client: MlflowClient | None = None

    def forget_old(self, *, now_s: float) -> int:
        """Deletes traces that began more than so many days ago, oldest first, at most 100,000 in
        one go, and returns how many that were.

        Raises:
            Unavailable: MLflow does not answer, or refuses.
        """
        try:
            deleted = self._delete(before_ms=int((now_s - self._days * _DAY_S) * 1000))
        except Exception as error:
            self._client = None
            says = without_password(f"{type(error).__name__}: {error}", self._tracking_uri)
            raise Unavailable(f"Old traces stay in MLflow for now: {says}", "tracker") from None
        if deleted:
            _log.info("%d traces were older than %g days, and are gone", deleted, self._days)
        return deleted

    def _delete(self, *, before_ms: int) -> int:
        if self._client is None:
            self._client = open_client(self._tracking_uri)
        experiment = self._client.get_experiment_by_name(self._experiment)
        deleted = 0
        if experiment is None:
            return deleted
        for _ in range(_CALLS):
            more = self._client.delete_traces(
                experiment.experiment_id,
                max_timestamp_millis=before_ms,
                max_traces=_TRACES_PER_CALL,
            )
            deleted += more
            if more < _TRACES_PER_CALL:
                break
            self._pause(_PAUSE_S)
        return deleted
