"""What every stage of the graph shares: calls of several requests arrive as one, streams alone or
whole."""

import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from deployments.contracts.calls import StageCall, StageOutcome
from deployments.contracts.errors import RagError, StageFailed
from deployments.contracts.search import Timed
from deployments.serving.concurrently import gather_or_cancel

_log = logging.getLogger("ray.serve")


class StageReplica:
    """Base of the stages' shells."""

    async def run(self, calls: Sequence[StageCall]) -> list[StageOutcome]:
        """Returns one outcome per call, in order; the calls run at once, and one that fails harms
        no other."""
        return list(await gather_or_cancel(*(self._run_one(call) for call in calls)))

    async def run_stream(self, call: StageCall) -> AsyncGenerator[StageOutcome, None]:
        """Yields what the method yields; an error is the last outcome. Closing it closes the
        method's generator."""
        try:
            values = getattr(self, call.method)(*call.args, **call.options, call=call.context)
            async with aclosing(values):
                async for value in values:
                    yield StageOutcome(value)
        except Exception as error:
            yield self._failed(call, error)

    async def _run_one(self, call: StageCall) -> StageOutcome:
        started_s = time.perf_counter()
        try:
            answer = getattr(self, call.method)(*call.args, **call.options, call=call.context)
            value = await (_whole(answer) if isinstance(answer, AsyncGenerator) else answer)
        except Exception as error:
            return self._failed(call, error)
        return StageOutcome(_timed(value, (time.perf_counter() - started_s) * 1e3))

    def _failed(self, call: StageCall, error: Exception) -> StageOutcome:
        if isinstance(error, RagError):
            return StageOutcome(error=error)
        stage = type(self).__name__.lower()
        _log.error("request %s: %s failed", call.context.request_id, call.method, exc_info=error)
        return StageOutcome(error=StageFailed(f"The {stage} failed.", stage))


async def _whole(values: AsyncGenerator[Any, None]) -> tuple[Any, ...]:
    """Returns all that a stream yields: one that is written at once needs no stream to travel."""
    async with aclosing(values):
        return tuple([value async for value in values])


def _timed(value: Any, replica_ms: float) -> Any:
    """Returns the value with the time that it took in this replica, where it has room for it."""
    if isinstance(value, Timed):
        return replace(value, times=replace(value.times, replica_ms=replica_ms))
    return value
