"""Requests inside other ones: the questions of a batch, repetitions in shadow."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.problems import STATUS_OF_CODE
from app.request_scope import RequestScope
from app.telemetry.finished import CLIENT_LEFT, FinishedRequest, Kind
from app.telemetry.telemetry import Telemetry
from deployments.errors import RagError

_OK = 200
_UNPLANNED = "internal"


@contextmanager
def reported(
    telemetry: Telemetry, scope: RequestScope, kind: Kind, *, route: str
) -> Iterator[None]:
    """Reports the request of a scope when the block ends, with the error that it ends with.

    Args:
        telemetry: Told of it.
        scope: Made by `RequestScope.child`.
        kind: What kind of request it is.
        route: The route that it is counted under.
    """
    started_ns, started_s = time.time_ns(), time.perf_counter()
    status = _OK
    try:
        yield
    except (asyncio.CancelledError, GeneratorExit):
        status = CLIENT_LEFT
        raise
    except Exception as error:
        scope.notes.error = error.code if isinstance(error, RagError) else _UNPLANNED
        status = STATUS_OF_CODE.get(scope.notes.error, STATUS_OF_CODE[_UNPLANNED])[0]
        raise
    finally:
        telemetry.finished(
            FinishedRequest(
                request_id=scope.request_id,
                kind=kind,
                trace=scope.trace,
                method="POST",
                route=route,
                status=status,
                started_ns=started_ns,
                total_ms=(time.perf_counter() - started_s) * 1e3,
                notes=scope.notes,
            )
        )
