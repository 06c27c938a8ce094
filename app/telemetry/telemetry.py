"""Tells every sink of requests that have ended; what a sink does wrong harms no request."""

import logging
from collections.abc import Sequence

from app.telemetry.finished import FinishedRequest, Sink

_log = logging.getLogger("ray.serve")


class Telemetry:
    """Where requests are reported.

    Args:
        sinks: Who is told, in this order.
    """

    def __init__(self, sinks: Sequence[Sink] = ()) -> None:
        self._sinks = tuple(sinks)

    def finished(self, request: FinishedRequest) -> None:
        """Reports a request that has ended, once."""
        for sink in self._sinks:
            try:
                sink.take(request)
            except Exception:
                _log.exception("request %s is not on record", request.request_id)
