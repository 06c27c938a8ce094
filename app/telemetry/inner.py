"""Requests inside other ones: the questions of a batch, repetitions in shadow, what a canary did in
vain."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.problems import STATUS_OF_CODE
from app.request.scope import RequestScope
from app.telemetry.requests import CLIENT_LEFT, FinishedRequest, Kind, Telemetry
from deployments.contracts.errors import RagError

_OK = 200
_UNPLANNED = "internal"


@dataclass(frozen=True, slots=True)
class Beginning:
    """When something began: in nanoseconds since the epoch, and on the performance counter."""

    at_ns: int = field(default_factory=time.time_ns)
    counter_s: float = field(default_factory=time.perf_counter)


@contextmanager
def reported(
    telemetry: Telemetry, scope: RequestScope, kind: Kind, *, route: str
) -> Iterator[None]:
    """Reports the request of a scope when the block ends, with the error that it ends with; see
    `report`."""
    began, ended_with = Beginning(), None
    try:
        yield
    except BaseException as error:
        ended_with = error
        raise
    finally:
        report(telemetry, scope, kind, route=route, began=began, error=ended_with)


def report(
    telemetry: Telemetry,
    scope: RequestScope,
    kind: Kind,
    *,
    route: str,
    began: Beginning,
    error: BaseException | None,
) -> None:
    """Reports a request that has ended.

    Args:
        telemetry: Told of it.
        scope: Made by `RequestScope.child`.
        kind: What kind of request it is.
        route: The route that it is counted under.
        began: When.
        error: What it ended with; one that is no Exception means that it was given up.
    """
    status = _OK
    if isinstance(error, Exception):
        scope.notes.error = error.code if isinstance(error, RagError) else _UNPLANNED
        status = STATUS_OF_CODE.get(scope.notes.error, STATUS_OF_CODE[_UNPLANNED])[0]
    elif error is not None or (kind == "attempt" and scope.notes.written is None):
        status = CLIENT_LEFT
    telemetry.finished(
        FinishedRequest(
            request_id=scope.request_id,
            kind=kind,
            trace=scope.trace,
            method="POST",
            route=route,
            status=status,
            started_ns=began.at_ns,
            total_ms=(time.perf_counter() - began.counter_s) * 1e3,
            notes=scope.notes,
        )
    )
