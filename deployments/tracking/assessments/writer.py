"""Assessments on their traces in MLflow.

The database is the outbox. A rating often comes before its trace, which waits in a gateway's batch
or, while MLflow was away, in a spool: then it is tried again, less and less often. What is written
bears the id and the version of its row, so that it is found again: whatever is written twice, after
a kill or because somebody has changed their mind, stands there once.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from deployments.assessments.contract import KeptAssessment
from deployments.assessments.store import AssessmentStore
from deployments.contracts.errors import Unavailable
from deployments.tracking.mlflow.limits import chunks
from deployments.tracking.mlflow.outbox_writer import OutboxWriter
from deployments.tracking.mlflow.server import may_pass, open_traces, without_password

if TYPE_CHECKING:
    from mlflow.tracing.client import TracingClient

ID_TAG = "ragserve.assessment"
"""Names the row, in the metadata of an assessment."""
_VERSION_TAG = "ragserve.version"
CORRECTION_NAME = "expected_response"
"""What MLflow's own judges of correctness look for."""
_NOBODY = "anonymous"
_ROWS, _ROWS_PER_CLAIM = 200, 10
_CLAIM_S = 120.0
"""Each row takes some calls of MLflow, of which the first one that gives up ends it all."""
_SOURCE_CHARACTERS = 250
_FIRST_WAIT_S = 2.0
_LONGEST_WAIT_S = 1800.0
_GIVEN_UP_S = 7 * 86_400.0
"""A spool holds its traces as long as there is room; but what is a week late never comes."""
_log = logging.getLogger("ray.serve")


class TraceAssessments(OutboxWriter):
    """Writes assessments to MLflow, and takes them out again. Not for two threads at once.

    Args:
        store: Where they come from.
        tracking_uri: Address of the MLflow server.
        claims: Says whether this process may write for so many seconds, and nobody else then:
            two would write the same twice. 0 lets the others.
        now_s: Seconds since the epoch.
    """

    def __init__(
        self,
        store: AssessmentStore,
        tracking_uri: str,
        *,
        claims: Callable[[float], bool] = lambda _: True,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(tracking_uri, what="assessments of answers")
        self._store = store
        self._claims = claims
        self._now_s = now_s
        self._traces: TracingClient | None = None

    def erase(self, kept: Sequence[KeptAssessment]) -> None:
        """Takes assessments off their traces, where they are there.

        Raises:
            Unavailable: MLflow does not answer, or refuses.
        """
        try:
            traces = open_traces(self._tracking_uri)
            for one in kept:
                if one.trace_id:
                    _remove(traces, one)
        except Exception as error:
            says = without_password(f"{type(error).__name__}: {error}", self._tracking_uri)
            raise Unavailable(f"Assessments stay in MLflow for now: {says}", "tracker") from None

    def _record_all(self) -> Iterator[int]:
        waiting = self._store.unrecorded(now_s=self._now_s(), limit=_ROWS)
        for some in chunks(waiting, _ROWS_PER_CLAIM):
            if not self._claims(_CLAIM_S):
                return
            try:
                for kept in some:
                    self._record_or_give_up(kept)
            finally:
                self._claims(0.0)
            yield len(some)

    def _record_or_give_up(self, kept: KeptAssessment) -> None:
        try:
            self._record(kept)
        except Exception as error:
            if may_pass(error):
                raise
            _log.exception("assessment %s is not in MLflow", kept.id)
            self._store.mark_recorded(kept)

    def _record(self, kept: KeptAssessment) -> None:
        if self._traces is None:
            self._traces = open_traces(self._tracking_uri)
        there = _assessments(self._traces, kept.trace_id)
        if there is None:
            self._wait_for_trace(kept)
            return
        _write(self._traces, kept, [one for one in there if _is_of(one, kept)])
        if not self._store.mark_recorded(kept):  # it was erased meanwhile
            _remove(self._traces, kept)

    def _wait_for_trace(self, kept: KeptAssessment) -> None:
        now_s = self._now_s()
        if now_s - kept.changed_s > _GIVEN_UP_S:
            _log.warning("the trace of assessment %s has not come: it has none", kept.id)
            self._store.mark_recorded(kept)
            return
        wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(kept.tries, 16))
        self._store.postpone(kept, due_s=now_s + wait_s)

    def _forget(self) -> None:
        super()._forget()
        self._traces = None


def _assessments(traces: "TracingClient", trace_id: str) -> Sequence[Any] | None:
    """Returns what is said of a trace; None where there is no such trace."""
    from mlflow.exceptions import MlflowException

    try:
        return traces.get_trace_info(f"tr-{trace_id}").assessments or ()
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def _is_of(assessment: Any, kept: KeptAssessment) -> bool:
    return (assessment.metadata or {}).get(ID_TAG) == kept.id


def _write(traces: "TracingClient", kept: KeptAssessment, there: Sequence[Any]) -> None:
    """Has a trace say what the row says and nothing else of it."""
    trace_id, wanted = f"tr-{kept.trace_id}", {one.name: one for one in _wanted(kept)}
    for old in there:
        if old.name in wanted and old.metadata.get(_VERSION_TAG) == str(kept.version):
            del wanted[old.name]
        else:
            # A new one in place of a change: the name of who says it cannot be changed.
            traces.delete_assessment(trace_id, old.assessment_id)
    for new in wanted.values():
        traces.log_assessment(trace_id, new)


def _remove(traces: "TracingClient", kept: KeptAssessment) -> None:
    for one in _assessments(traces, kept.trace_id) or ():
        if _is_of(one, kept):
            traces.delete_assessment(f"tr-{kept.trace_id}", one.assessment_id)


def _wanted(kept: KeptAssessment) -> list[Any]:
    from mlflow.entities import AssessmentSource, Expectation, Feedback

    source_id = kept.source_id[:_SOURCE_CHARACTERS] or _NOBODY
    source = AssessmentSource(source_type=kept.source.upper(), source_id=source_id)
    metadata = {
        ID_TAG: kept.id,
        _VERSION_TAG: str(kept.version),
        "ragserve.request_id": kept.request_id,
        "ragserve.release": kept.release,
    }
    at_ms = round(kept.changed_s * 1e3)
    said: list[Any] = [
        Feedback(
            name=kept.name,
            value=kept.thumb == "up" if kept.thumb else kept.score,
            rationale=kept.comment or None,
            source=source,
            metadata=metadata,
            create_time_ms=at_ms,
            last_update_time_ms=at_ms,
        )
    ]
    if kept.correction:
        said.append(
            Expectation(
                name=CORRECTION_NAME,
                value=kept.correction,
                source=source,
                metadata=metadata,
                create_time_ms=at_ms,
                last_update_time_ms=at_ms,
            )
        )
    return said
