"""What all writers to MLflow share that empty an outbox: patience with a server that is away, and
an end of it with what the server refuses for good."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from deployments.tracking.mlflow.server import may_pass, open_client, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient

_log = logging.getLogger("ray.serve")


class OutboxWriter(ABC):
    """Base of the writers. Not for two threads at once.

    Args:
        tracking_uri: Address of the MLflow server.
        what: What the log calls that which is written.
    """

    def __init__(self, tracking_uri: str, *, what: str) -> None:
        self._tracking_uri = tracking_uri
        self._what = what
        self._client: MlflowClient | None = None
        self._failing = False

    def record_pending(self) -> int:
        """Writes some of what MLflow lacks, and returns how much that was. While MLflow or the
        database does not answer, the rest is left for the next call; nothing is raised."""
        recorded = 0
        try:
            for count in self._record_all():
                recorded += count
        except Exception as error:
            if not self._failing:
                says = without_password(f"{type(error).__name__}: {error}", self._tracking_uri)
                _log.warning("%s are not written to MLflow for now: %s", self._what, says)
            self._failing = True
            self._forget()
        else:
            if self._failing:
                _log.info("%s are written to MLflow again", self._what)
            self._failing = False
        return recorded

    @abstractmethod
    def _record_all(self) -> Iterator[int]:
        """Writes what there is, part by part, and yields how much each was."""

    def _try(self, write: Callable[[], None], *, name: str) -> None:
        """Writes a part. What MLflow refuses is tried once more with nothing remembered, since a
        person may have deleted a run, and then given up: nothing after it would ever be written."""
        try:
            try:
                write()
            except Exception as error:
                if may_pass(error):
                    raise
                self._forget()
                write()
        except Exception as error:
            if may_pass(error):
                raise
            _log.exception("%s: not in MLflow: %s", self._what, name)

    def _open(self) -> "MlflowClient":
        if self._client is None:
            self._client = open_client(self._tracking_uri)
        return self._client

    def _forget(self) -> None:
        """Looks everything up again: the server may have become another one."""
        self._client = None
