"""What is settled at the end of a request, whatever the end was."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from app.limits.limiter import Limiter
from app.limits.stores.fallback import FallbackStore
from app.limits.stores.memory_store import MemoryStore
from app.limits.stores.operations import Move, Operation
from app.request.notes import RequestNotes
from app.request.principal import Principal
from app.request.spending import ExpectedUse
from deployments.access.records import Limits
from deployments.contracts.errors import LimitReached
from deployments.contracts.generation import Started, TextDelta
from tests.unit.app.limits.conftest import MicrosecondClock

KEY = Principal(tenant="t", key_id="k", limits=Limits(tokens_per_min=6000))
BUCKET = "rs:{t}:key:k:tokens"
EXPECTED = ExpectedUse(1000, 500)


@pytest.fixture
async def limiter(clock: MicrosecondClock) -> AsyncIterator[Limiter]:
    made = Limiter(FallbackStore(MemoryStore(clock), max_replicas=1))
    async with made.running():
        yield made


async def _used_tokens(limiter: Limiter) -> int:
    moves = (Move(BUCKET, 0),)
    decision = await limiter.ask(Operation(moves, forced=True), lambda _: None)
    return decision.used_us[0] // 10_000


async def test_a_request_that_failed_before_it_was_answered_pays_nothing(limiter: Limiter) -> None:
    charge = limiter.charge(KEY)
    assert charge is not None
    await charge.begin()
    await charge.reserve(EXPECTED, RequestNotes())
    assert await _used_tokens(limiter) == 1500
    charge.settle()
    assert await _used_tokens(limiter) == 0


async def test_an_answer_that_broke_off_pays_for_what_was_written(limiter: Limiter) -> None:
    charge, notes = limiter.charge(KEY), RequestNotes()
    assert charge is not None
    await charge.reserve(EXPECTED, notes)
    notes.hear([Started(model="m", prompt_tokens=700)])
    notes.hear([TextDelta("so far", completion_tokens=3), TextDelta(" it", completion_tokens=1)])
    charge.settle()
    charge.settle()
    assert await _used_tokens(limiter) == 704


async def test_what_was_used_beyond_the_estimate_is_owed(limiter: Limiter) -> None:
    charge, notes = limiter.charge(KEY), RequestNotes()
    assert charge is not None
    await charge.reserve(EXPECTED, notes)
    notes.hear([Started(model="m", prompt_tokens=7000)])
    charge.settle()
    assert await _used_tokens(limiter) == 7000
    charge = limiter.charge(KEY)
    assert charge is not None
    with pytest.raises(LimitReached) as caught:
        await charge.reserve(ExpectedUse(100), RequestNotes())
    assert caught.value.retry_after_s == pytest.approx(11.0)


async def test_a_client_that_leaves_while_it_waits_gets_its_tokens_back(limiter: Limiter) -> None:
    charge = limiter.charge(KEY)
    assert charge is not None
    waiting = asyncio.create_task(charge.reserve(EXPECTED, RequestNotes()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    charge.settle()
    await _used_tokens(limiter)
    await asyncio.sleep(0)
    assert await _used_tokens(limiter) == 0


async def test_places_are_kept_while_their_replica_lives(
    limiter: Limiter, clock: MicrosecondClock
) -> None:
    alone = replace(KEY, limits=Limits(concurrent_requests=1))
    first, second = limiter.charge(alone), limiter.charge(alone)
    assert first is not None
    assert second is not None
    await first.begin()
    for _ in range(5):
        clock.pass_s(6)
        await limiter.renew()
    with pytest.raises(LimitReached, match="1 requests under way"):
        await second.begin()
    clock.pass_s(11)
    third = limiter.charge(alone)
    assert third is not None
    await third.begin()
    first.settle()
    third.settle()
    assert limiter.counts().held_places == 0
    assert limiter.counts().refused == {"key:concurrency": 1}


async def test_a_limit_of_nothing_refuses_everything_for_good(limiter: Limiter) -> None:
    charge = limiter.charge(replace(KEY, limits=Limits(requests_per_min=0)))
    assert charge is not None
    with pytest.raises(LimitReached) as caught:
        await charge.begin()
    assert caught.value.retry_after_s is None
    charge.settle()
