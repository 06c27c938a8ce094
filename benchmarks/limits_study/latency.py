"""What limits add to a request: in turns without them, and with each store."""

import asyncio
import random
import time
from itertools import product
from statistics import median
from typing import Any

import numpy as np

from app.limits.limiter import Limiter
from app.request.notes import RequestNotes
from app.request.spending import ExpectedUse
from benchmarks.limits_study.replicas import Places, Replicas
from benchmarks.limits_study.requests import MODEL, PRICES, caller, written
from deployments.access.records import Budgets

_WORK_S = (0.01, 0.03)
"""What a request does besides: it waits, as for a stage, at random, so that clients who began
together do not all come back together."""


_CHARGED: dict[str, Budgets | None] = {
    "limits": None,
    "limits, a budget": Budgets(day_picousd=10**18, month_picousd=10**18),
}
"""What a key is charged for, by name; nothing comes near a bound."""


async def clients(
    limiter: Limiter, number: int, count: int, requests: int, budgets: Budgets | None
) -> list[float]:
    """Returns the added time of each request in milliseconds: clients that ask one after the
    other."""

    async def client() -> list[float]:
        added_ms = []
        for _ in range(requests):
            charge = limiter.charge(principal)
            assert charge is not None
            began_s = time.perf_counter()
            await charge.begin()
            notes = RequestNotes(prices=PRICES)
            await charge.reserve(ExpectedUse(200, 300, models=(MODEL,)), notes)
            spent_s = time.perf_counter() - began_s
            await asyncio.sleep(chance.uniform(*_WORK_S))
            notes.written = written(100)
            began_s = time.perf_counter()
            await charge.tell_spent()
            charge.settle()
            added_ms.append((spent_s + time.perf_counter() - began_s) * 1e3)
        return added_ms

    chance = random.Random(number)
    principal = caller(budgets=budgets)
    return [each for one in await asyncio.gather(*(client() for _ in range(count))) for each in one]


def measure(
    stores: dict[str, Places], *, rounds: int, counts: tuple[int, ...], replicas: int, requests: int
) -> list[dict[str, Any]]:
    """Returns the added times by store and number of clients; stores take turns, and figures are
    the medians of the rounds.

    Args:
        stores: By name.
        rounds: How often each has its turn.
        counts: Numbers of clients, over all replicas.
        replicas: Processes.
        requests: Requests of a client in a round.
    """
    found: dict[tuple[int, str, str], list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for count, (name, places), charged in product(counts, stores.items(), _CHARGED):
            used = min(replicas, count)
            budgets = _CHARGED[charged]
            group = Replicas(clients, places, used, count // used, requests, budgets)
            group.begin()
            added = np.array([each for one in group.results() for each in one])
            point = (float(np.percentile(added, 50)), float(np.percentile(added, 99)))
            found.setdefault((count, name, charged), []).append(point)
    return [
        {
            "clients": count,
            "store": name,
            "charged": charged,
            "added_p50_ms": round(median(point[0] for point in points), 3),
            "added_p99_ms": round(median(point[1] for point in points), 3),
        }
        for (count, name, charged), points in found.items()
    ]
