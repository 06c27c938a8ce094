"""Every release as a run in MLflow, with its figures by minute, so that releases compare as curves.

The database is the outbox: minutes leave it in order, once they are over and no replica has told
more of them for a while, and are marked once MLflow has them. A part that comes later still, from a
replica that was cut off, has its minute written again with all of it: the same step has two points
then, of which the database keeps the second. Whatever is written may be written again, so a kill
between any two calls leaves no second run and no second point.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

from deployments.contracts.errors import Unavailable
from deployments.ledger.store import KeptMinute, Ledger
from deployments.tracking.mlflow.limits import METRICS_PER_CALL, chunks
from deployments.tracking.mlflow.outbox_writer import OutboxWriter
from deployments.tracking.releases.figures import metrics_of
from deployments.tracking.releases.finder import ReleaseRunFinder, Version

_log = logging.getLogger("ray.serve")
_MINUTE_S, _MINUTE_MS = 60, 60_000
_SETTLED_S = 15.0
"""Replicas tell what they served once a second; a tracker that was away hears old minutes in
parts."""
_MINUTES = 240
_WORK, _CLAIM_S = "begin-release-runs", 60.0
"""Two calls of MLflow, each of which gives up after ten seconds."""


class ReleaseRuns(OutboxWriter):
    """Writes the figures of releases to MLflow. Not for two threads at once.

    Args:
        ledger: Where they come from.
        tracking_uri: Address of the MLflow server.
        experiment: The experiment that has the runs.
        now_s: Seconds since the epoch.
    """

    def __init__(
        self,
        ledger: Ledger,
        tracking_uri: str,
        experiment: str = "ragserve-releases",
        *,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(tracking_uri, what="figures of releases")
        self._ledger = ledger
        self._experiment = experiment
        self._now_s = now_s
        self._holder = uuid.uuid4().hex
        self._finder: ReleaseRunFinder | None = None

    def _record_all(self) -> Iterator[int]:
        settled_s = self._now_s() - _SETTLED_S
        kept = self._ledger.unrecorded(
            before=int(settled_s // _MINUTE_S), quiet_since_s=settled_s, limit=_MINUTES
        )
        for version, group in groupby(sorted(kept, key=_version_and_minute), key=_version):
            yield self._record(version, list(group))
        if kept or self._finder is not None:
            self._find().end_idle(int(self._now_s() // _MINUTE_S))

    def _record(self, version: Version, kept: Sequence[KeptMinute]) -> int:
        self._try(lambda: self._write(version, kept), name=f"minutes of {version[0]}")
        self._ledger.mark_recorded(kept)
        return len(kept)

    def _write(self, version: Version, kept: Sequence[KeptMinute]) -> None:
        from mlflow.entities import Metric

        minutes = [one.minute for one in kept]
        finder = self._find()
        run = finder.run_of(version, first_minute=minutes[0].minute)
        metrics = [
            Metric(name, value, minute.minute * _MINUTE_MS, minute.minute - run.first_minute)
            for minute in minutes
            for name, value in metrics_of(minute).items()
        ]
        for chunk in chunks(metrics, METRICS_PER_CALL):
            self._open().log_batch(run.run_id, metrics=chunk)
        finder.note_minute(run, minutes[-1].minute)

    def _find(self) -> ReleaseRunFinder:
        if self._finder is None:
            self._finder = ReleaseRunFinder(
                self._open(), self._experiment, self._ledger.vector, self._alone
            )
        return self._finder

    @contextmanager
    def _alone(self) -> Iterator[None]:
        def claim(for_s: float) -> bool:
            now_s = self._now_s()
            return self._ledger.claim(_WORK, self._holder, now_s=now_s, until_s=now_s + for_s)

        if not claim(_CLAIM_S):
            raise Unavailable("Another tracker begins a run.", "tracker", _CLAIM_S)
        yield
        claim(0.0)

    def _forget(self) -> None:
        super()._forget()
        self._finder = None


def _version(kept: KeptMinute) -> Version:
    return kept.minute.release, kept.minute.fingerprint


def _version_and_minute(kept: KeptMinute) -> tuple[Version, int]:
    return _version(kept), kept.minute.minute
