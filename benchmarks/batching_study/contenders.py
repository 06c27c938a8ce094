"""The batchers that are compared, behind one interface: ours, Ray Serve's own, and a fixed wait.

All have the same model, the same bounds on the entries of a batch and on those that wait, and may
run as many batches at once.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.batching_study.fixed_wait import FixedWaitBatcher
from benchmarks.batching_study.models import Run
from benchmarks.load.driver import OK, Reply
from deployments.batching.batcher import Batcher
from deployments.contracts.errors import Overloaded

SERVE_DEFAULT_WAIT_S = 0.01
"""`batch_wait_timeout_s` of `@serve.batch` where nobody sets it."""
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What every batcher is held to."""

    max_batch_requests: int
    max_batch_tokens: int
    """Only ours counts tokens."""
    max_queued_requests: int
    concurrent_batches: int
    mean_tokens: float
    computes_padding: bool = True
    """Whether the model computes padding; only ours cares."""


class Contender(Protocol):
    """A batcher under test; made inside the running event loop."""

    async def send(self, item: Any, tokens: int) -> Reply:
        """Returns when the item has its result, or at once when the queue is full."""

    def close(self) -> None:
        """Stops it."""


Make = Callable[[Run, Bounds], Contender]


class Ours:
    """The service's batcher; its queue is bounded in tokens of the mean length."""

    def __init__(self, run: Run, bounds: Bounds) -> None:
        self._batcher: Batcher[Any, Any] = Batcher(
            run,
            stage="model",
            max_batch_tokens=bounds.max_batch_tokens,
            max_batch_requests=bounds.max_batch_requests,
            max_queued_tokens=round(bounds.max_queued_requests * bounds.mean_tokens),
            concurrent_batches=bounds.concurrent_batches,
            computes_padding=bounds.computes_padding,
        )

    async def send(self, item: Any, tokens: int) -> Reply:
        try:
            await self._batcher.submit([item], token_counts=[tokens], timeout_s=_PATIENCE_S)
        except Overloaded as error:
            return Reply("refused", str(error))
        return OK

    def close(self) -> None:
        self._batcher.close()


class _Admission:
    """Refuses over a number of unanswered entries, as Serve does with `max_queued_requests`."""

    def __init__(self, bounds: Bounds) -> None:
        running = bounds.max_batch_requests * bounds.concurrent_batches
        self._limit = bounds.max_queued_requests + running
        self._unanswered = 0

    async def answer(self, submit: Callable[[Any], Any], item: Any) -> Reply:
        if self._unanswered >= self._limit:
            return Reply("refused", "full")
        self._unanswered += 1
        try:
            await submit(item)
        finally:
            self._unanswered -= 1
        return OK


class ServeBatch:
    """Ray Serve's decorator itself, in a replica context that its own setter makes; no cluster.

    Args:
        run: The model.
        bounds: What it is held to.
        wait_s: `batch_wait_timeout_s`.
    """

    def __init__(self, run: Run, bounds: Bounds, *, wait_s: float) -> None:
        from ray import serve

        _enter_replica(bounds)
        self._admission = _Admission(bounds)
        self._executor = ThreadPoolExecutor(bounds.concurrent_batches)
        loop = asyncio.get_running_loop()

        @serve.batch(
            max_batch_size=bounds.max_batch_requests,
            batch_wait_timeout_s=wait_s,
            max_concurrent_batches=bounds.concurrent_batches,
        )
        async def handle(items: list[Any]) -> list[Any]:
            return list(await loop.run_in_executor(self._executor, run, items))

        self._handle: Any = handle

    async def send(self, item: Any, tokens: int) -> Reply:
        return await self._admission.answer(self._handle, item)

    def close(self) -> None:
        # The decorator has no end of its own: left alone, it looks for its event loop when it is
        # collected as garbage, and makes a new one where that has gone.
        queue = self._handle._is_batching_task_alive.__self__._queue
        if queue is not None:
            queue._handle_batch_task.cancel()
            queue._handle_batch_task = None
        self._executor.shutdown(wait=False, cancel_futures=True)


class FixedWait:
    """A batcher with a timer."""

    def __init__(self, run: Run, bounds: Bounds, *, wait_s: float) -> None:
        self._admission = _Admission(bounds)
        self._batcher = FixedWaitBatcher(
            run,
            max_batch_requests=bounds.max_batch_requests,
            wait_s=wait_s,
            concurrent_batches=bounds.concurrent_batches,
        )

    async def send(self, item: Any, tokens: int) -> Reply:
        return await self._admission.answer(self._batcher.submit, item)

    def close(self) -> None:
        self._batcher.close()


def _enter_replica(bounds: Bounds) -> None:
    """Tells Ray Serve that this process is a replica that lets every request in."""
    from ray.serve._private.common import DeploymentID, ReplicaID
    from ray.serve._private.config import DeploymentConfig
    from ray.serve.context import _set_internal_replica_context
    from ray.serve.schema import ReplicaRank

    running = bounds.max_batch_requests * bounds.concurrent_batches
    _set_internal_replica_context(
        replica_id=ReplicaID("0", DeploymentID("Model", "benchmark")),
        servable_object=ServeBatch,
        _deployment_config=DeploymentConfig(
            max_ongoing_requests=bounds.max_queued_requests + running
        ),
        rank=ReplicaRank(rank=0, node_rank=0, local_rank=0),
        world_size=1,
    )
