"""Whether limits hold however many replicas ask at once, and what is not used comes back."""

import asyncio
import random
import time
from typing import Any

from app.limits.limiter import Limiter
from app.limits.stores.operations import Operation
from benchmarks.limits_study.replicas import Places, Replicas
from benchmarks.limits_study.requests import Outcome, ask, caller
from deployments.access.records import Limits

_NONE = Limits()


async def burst(
    limiter: Limiter, _number: int, limit: int, requests: int
) -> tuple[int, float, float]:
    """Returns how many of requests that all come at once were admitted, and between when."""
    principal = caller(limits=Limits(requests_per_min=limit), tenant_limits=_NONE)
    began_s = time.time()
    outcomes = await asyncio.gather(*(ask(limiter, principal) for _ in range(requests)))
    return sum(outcome.admitted for outcome in outcomes), began_s, time.time()


def measure_requests(places: Places, *, replicas: int, requests: int, limit: int) -> dict[str, Any]:
    """Returns what a burst was admitted against one limit, and what may be."""
    group = Replicas(burst, places, replicas, limit, requests // replicas)
    group.begin()
    told = group.results()
    elapsed_s = max(one[2] for one in told) - min(one[1] for one in told)
    admitted = sum(one[0] for one in told)
    allowed = int(limit * (1 + elapsed_s / 60))
    return {
        "requests": requests,
        "limit": limit,
        "seconds": round(elapsed_s, 3),
        "admitted": admitted,
        "allowed": allowed,
        "overshoot": max(admitted - allowed, 0),
    }


async def streams(
    limiter: Limiter, number: int, limit: int, requests: int
) -> tuple[int, int, float, float]:
    """Returns how many streams were admitted and what they used: each may write 1000 tokens, and
    is cut off at random."""
    principal = caller(limits=Limits(tokens_per_min=limit), tenant_limits=_NONE)
    chance = random.Random(number)
    began_s = time.time()
    outcomes: list[Outcome] = []

    async def client() -> None:
        for _ in range(requests // 8):
            used = chance.choice((0, chance.randint(1, 999), 1000))
            outcomes.append(await ask(limiter, principal, expected=1000, used=used))
            await asyncio.sleep(chance.random() * 0.002)

    await asyncio.gather(*(client() for _ in range(8)))
    await limiter.ask(Operation(), lambda _: None)  # all that was settled is
    return (
        sum(outcome.admitted for outcome in outcomes),
        sum(outcome.tokens for outcome in outcomes),
        began_s,
        time.time(),
    )


def measure_tokens(places: Places, *, replicas: int, requests: int, limit: int) -> dict[str, Any]:
    """Returns what streams used against one limit, and what they may."""
    group = Replicas(streams, places, replicas, limit, requests // replicas)
    group.begin()
    told = group.results()
    elapsed_s = max(one[3] for one in told) - min(one[2] for one in told)
    used = sum(one[1] for one in told)
    allowed = int(limit * (1 + elapsed_s / 60))
    return {
        "requests": requests,
        "admitted": sum(one[0] for one in told),
        "limit": limit,
        "seconds": round(elapsed_s, 3),
        "used_tokens": used,
        "allowed_tokens": allowed,
        "overshoot": max(used - allowed, 0),
    }
