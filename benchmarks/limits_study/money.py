"""Whether budgets hold at their end, and what a killed replica leaves behind."""

import asyncio
import random
import time
from datetime import UTC, datetime
from typing import Any

from app.limits.limiter import Limiter
from app.limits.stores.operations import Lease, Operation
from app.request.notes import RequestNotes
from app.request.spending import ExpectedUse
from benchmarks.limits_study.replicas import CONTEXT, Places, Replicas
from benchmarks.limits_study.requests import MODEL, PICOUSD_PER_TOKEN, PRICES, ask, caller
from deployments.access.records import Budgets, Limits
from deployments.budgets.standing import Standing
from deployments.budgets.store import BudgetStore

_NONE = Limits()
_PLACES = 64
_POLL_S = 0.2
_PATIENCE_S = 60.0


async def spend(
    limiter: Limiter, number: int, limit_picousd: int, requests: int
) -> tuple[int, int]:
    """Returns how many requests were admitted and what their answers said that they cost: each may
    use 500 tokens, and uses some of them."""
    budgets = Budgets(day_picousd=limit_picousd)
    principal = caller(limits=_NONE, tenant_limits=_NONE, budgets=budgets)
    chance = random.Random(number)
    admitted = picousd = 0

    async def client() -> None:
        nonlocal admitted, picousd
        for _ in range(requests // 16):
            outcome = await ask(limiter, principal, expected=500, used=chance.randint(100, 500))
            admitted += outcome.admitted
            picousd += outcome.picousd

    await asyncio.gather(*(client() for _ in range(16)))
    return admitted, picousd


def measure_burst(places: Places, *, replicas: int, requests: int, limit: int) -> dict[str, Any]:
    """Returns what was spent of a budget that all requests together are far over."""
    group = Replicas(spend, places, replicas, limit * PICOUSD_PER_TOKEN, requests // replicas)
    group.begin()
    told = group.results()
    standing = _standing(places)
    answers = sum(one[1] for one in told)
    return {
        "requests": requests,
        "admitted": sum(one[0] for one in told),
        "budget_tokens": limit,
        "spent_tokens": standing.spent_picousd / PICOUSD_PER_TOKEN,
        "overshoot_picousd": max(standing.spent_picousd - limit * PICOUSD_PER_TOKEN, 0),
        "answers_less_spent_picousd": answers - standing.spent_picousd,
        "reserved_picousd": standing.reserved_picousd,
    }


async def hold(limiter: Limiter, number: int, limit_picousd: int, answers: Any) -> int:
    """Holds ten requests in the first replica, and answers others, until it is killed; the other
    replica only lives on."""
    budgets = Budgets(day_picousd=limit_picousd)
    principal = caller(
        limits=Limits(concurrent_requests=_PLACES), tenant_limits=_NONE, budgets=budgets
    )
    if number:
        outcome = await ask(limiter, principal, expected=1, used=1)
        await asyncio.sleep(_PATIENCE_S / 2)
        return outcome.picousd
    for _ in range(10):
        charge = limiter.charge(principal)
        assert charge is not None
        await charge.begin()
        await charge.reserve(ExpectedUse(0, 500, models=(MODEL,)), RequestNotes(prices=PRICES))

    async def client() -> None:
        while True:
            used = chance.randint(1, 500)
            outcome = await ask(limiter, principal, expected=500, used=used)
            answers.send(outcome.picousd)
            await asyncio.sleep(0.01)

    chance = random.Random(number)
    await asyncio.gather(*(client() for _ in range(8)))
    return 0


def measure_kill(places: Places) -> dict[str, Any]:
    """Returns the time after a SIGKILL under load until what the process held is free, money and
    places, and whether something was answered that is not spent."""
    reading, writing = CONTEXT.Pipe(duplex=False)
    group = Replicas(hold, places, 2, 10**9 * PICOUSD_PER_TOKEN, writing)
    group.begin()
    held = 10 * 500 * PICOUSD_PER_TOKEN
    _wait_until(lambda: _standing(places).reserved_picousd >= held)
    answered = _drained(reading, 2.0)
    killed_s = time.monotonic()
    group.processes[0].kill()
    answered += _drained(reading, 0.5)
    freed: dict[str, float] = {}

    def all_free() -> bool:
        now_s = time.monotonic() - killed_s
        if "money" not in freed and _standing(places).reserved_picousd == 0:
            freed["money"] = now_s
        if "places" not in freed and asyncio.run(_all_places_are_free(places)):
            freed["places"] = now_s
        return len(freed) == 2

    _wait_until(all_free)
    answered += sum(group.results(count=1))
    standing = _standing(places)
    return {
        "money_free_after_s": round(freed["money"], 1),
        "places_free_after_s": round(freed["places"], 1),
        "answered_tokens": answered / PICOUSD_PER_TOKEN,
        "answered_not_spent_picousd": max(answered - standing.spent_picousd, 0),
        "spent_not_answered_picousd": max(standing.spent_picousd - answered, 0),
        "reserved_picousd": standing.reserved_picousd,
    }


def _drained(reading: Any, seconds: float) -> int:
    """Returns the sum of what comes within so many seconds."""
    deadline_s, total = time.monotonic() + seconds, 0
    while (left_s := deadline_s - time.monotonic()) > 0:
        if reading.poll(left_s):
            total += reading.recv()
    return total


def _standing(places: Places) -> Standing:
    store = BudgetStore(places.database_url)
    try:
        return store.standing("key:key_bench", f"{datetime.now(UTC):%Y-%m-%d}")
    finally:
        store.close()


async def _all_places_are_free(places: Places) -> bool:
    principal = caller(limits=Limits(concurrent_requests=_PLACES), tenant_limits=_NONE)
    async with places.limiter() as limiter:
        charge = limiter.charge(principal)
        assert charge is not None
        name = f"rs:{{bench}}:key:{principal.key_id}:running"
        asked = Operation(leases=(Lease(name, "probe", 1, 1),))
        return (await limiter.ask(asked, lambda _: None)).passed


def _wait_until(holds: Any) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not holds():
        if time.monotonic() > deadline_s:
            raise RuntimeError("it did not come to that in time")
        time.sleep(_POLL_S)
