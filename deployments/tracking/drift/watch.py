"""Compares windows of the queries that are kept: when somebody asks, and once for every day."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from deployments.activity import QuerySample
from deployments.drift import DAY_S, DriftReport, DriftRequest, Window
from deployments.tracking.drift.comparison import DriftPolicy, find_drift, overall
from deployments.tracking.drift.plot import draw_drift
from deployments.tracking.drift.runs import DriftRuns
from deployments.tracking.drift.samples import Samples, read_windows

_log = logging.getLogger("ray.serve")


class SampleSource(Protocol):
    """Where sampled queries are kept; `deployments.ledger` has one."""

    def samples(
        self, release: str, *, since_s: float, until_s: float, limit: int
    ) -> Sequence[QuerySample]:
        """Returns samples of a release between two times, the second excluded."""
        ...

    def sampled_releases(self, *, since_s: float, until_s: float) -> Sequence[str]:
        """Returns the releases that have samples between two times."""
        ...


class DriftWatch:
    """Finds drift and writes it down. Its methods block for seconds; call them from a thread.

    Args:
        source: Where samples are.
        runs: Where reports are written, None for nowhere.
        policy: When a difference is drift.
        on_day: Is told what came of each whole day.
    """

    def __init__(
        self,
        source: SampleSource,
        runs: DriftRuns | None,
        policy: DriftPolicy | None = None,
        on_day: Callable[[DriftReport], None] = lambda report: None,
    ) -> None:
        self._source = source
        self._runs = runs
        self._policy = policy
        self._on_day = on_day

    def compare(self, request: DriftRequest, *, now_s: float) -> DriftReport:
        """Returns what is different, on record where MLflow answers.

        Raises:
            Unavailable: the database does not answer.
        """
        until_s = now_s if request.until_s is None else request.until_s
        begins_s = until_s - request.current_s

        def read(since_s: float, until_s: float, limit: int) -> Sequence[QuerySample]:
            return self._source.samples(
                request.release, since_s=since_s, until_s=until_s, limit=limit
            )

        samples = read_windows(
            read, until_s=until_s, reference_s=request.reference_s, current_s=request.current_s
        )
        current = int(samples.is_current.sum())
        checks = find_drift(samples, self._policy)
        report = DriftReport(
            request.release,
            overall(checks),
            Window(begins_s - request.reference_s, begins_s, len(samples) - current),
            Window(begins_s, until_s, current),
            checks,
        )
        return self._recorded(report, samples)

    def compare_day(self, *, now_s: float) -> int:
        """Compares the last whole day, in UTC, with the week before, for every release that is not
        on record yet, and returns how many that were. Without MLflow it does nothing.

        Raises:
            Unavailable: the database does not answer.
            MlflowException: MLflow does not answer.
        """
        if self._runs is None:
            return 0
        until_s = now_s // DAY_S * DAY_S
        compared = 0
        for release in self._source.sampled_releases(since_s=until_s - DAY_S, until_s=until_s):
            request = DriftRequest(release, until_s=until_s)
            from_s = until_s - request.current_s - request.reference_s
            if not self._runs.has(release, from_s=from_s, until_s=until_s):
                report = self.compare(request, now_s=now_s)
                level = logging.WARNING if report.verdict == "drift" else logging.INFO
                _log.log(level, "drift of %s: %s", release, report.verdict)
                self._on_day(report)
                compared += 1
        return compared

    def _recorded(self, report: DriftReport, samples: Samples) -> DriftReport:
        """Returns the report with the run that it was written to; it is worth having without."""
        if self._runs is None:
            return report
        try:
            return replace(report, run_id=self._runs.record(report, draw_drift(report, samples)))
        except Exception:
            _log.exception("the drift of %s is not in MLflow", report.release)
            return report
