"""Processes that stand for replicas of the gateway, each with a limiter over the same store."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from typing import Any

from app.limits.limiter import Limiter
from app.limits.opening import open_limiter
from app.settings.cold.limits import LimitsArgs
from deployments.budgets.store import BudgetStore

CONTEXT: SpawnContext = multiprocessing.get_context("spawn")
_STARTS_S = 120.0
_ENDS_S = 300.0


@dataclass(frozen=True, slots=True)
class Places:
    """Where replicas count: URLs of the store of limits and of the database."""

    limits_url: str
    database_url: str

    def prepare(self) -> None:
        """Makes the tables."""
        store = BudgetStore(self.database_url)
        store.upgrade()
        store.close()

    @asynccontextmanager
    async def limiter(self) -> AsyncIterator[Limiter]:
        """Returns a limiter that runs."""
        environment = {
            "RAGSERVE_LIMITS_URL": self.limits_url,
            "RAGSERVE_DATABASE_URL": self.database_url,
        }
        limiter = open_limiter(LimitsArgs(max_replicas=4), environment)
        async with limiter.running(close_s=30.0):
            yield limiter


Work = Callable[..., Coroutine[Any, Any, Any]]
"""Takes places, the number of the replica, and what else it is given."""


class Replicas:
    """Runs the same work in several processes, which begin together.

    Args:
        work: A function of a module, for another process to find.
        places: Where they count.
        count: How many there are.
        options: What else the work is given.
    """

    def __init__(self, work: Work, places: Places, count: int, *options: object) -> None:
        self._told: Queue[Any] = CONTEXT.Queue()
        self._gate = CONTEXT.Event()
        ready = self._ready = CONTEXT.Semaphore(0)
        arguments = (places, self._told, ready, self._gate, *options)
        self.processes: list[BaseProcess] = [
            CONTEXT.Process(target=_run, args=(work, number, *arguments), daemon=True)
            for number in range(count)
        ]

    def begin(self) -> None:
        """Starts them, and lets all go at once."""
        for process in self.processes:
            process.start()
        for _ in self.processes:
            if not self._ready.acquire(timeout=_STARTS_S):
                raise RuntimeError("a replica did not start")
        self._gate.set()

    def results(self, count: int | None = None) -> list[Any]:
        """Returns what so many of them told, all by default, and waits for their ends."""
        told = [
            self._told.get(timeout=_ENDS_S)
            for _ in range(len(self.processes) if count is None else count)
        ]
        for process in self.processes:
            process.join(30)
        return told


def _run(
    work: Work, number: int, places: Places, told: Any, ready: Any, gate: Any, *options: object
) -> None:
    told.put(asyncio.run(_run_work(work, number, places, ready, gate, *options)))


async def _run_work(
    work: Work, number: int, places: Places, ready: Any, gate: Any, *options: object
) -> Any:
    async with places.limiter() as limiter:
        ready.release()
        await asyncio.to_thread(gate.wait)
        return await work(limiter, number, *options)
