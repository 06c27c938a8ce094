"""The limit follows the waits, on a clock of our own."""

import asyncio
from contextlib import ExitStack

import pytest

from app.edge.limit import AdmissionLimit
from app.request.waiting import note_wait, waiting
from deployments.contracts.errors import Overloaded


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limit(clock: Clock) -> AdmissionLimit:
    return AdmissionLimit(max_requests=256, target_wait_s=0.2, now=clock)


def rounds(
    limit: AdmissionLimit, clock: Clock, count: int, *, waited_s: float, running: int = 300
) -> None:
    """Rounds of ten requests, of so many that run."""
    for _ in range(count):
        with ExitStack() as stack:
            for _ in range(min(running, limit.limit)):
                stack.enter_context(limit.running())
        clock.now_s += 0.6
        for _ in range(10):
            limit.observe(waited_s)


def test_at_first_the_highest_limit_holds(limit: AdmissionLimit) -> None:
    assert limit.limit == 256
    with ExitStack() as stack:
        for _ in range(255):
            stack.enter_context(limit.running())
        assert not limit.is_reached
        with limit.running():
            assert limit.is_reached
    assert not limit.is_reached


def test_long_waits_shrink_it_to_a_floor(limit: AdmissionLimit, clock: Clock) -> None:
    rounds(limit, clock, 2, waited_s=0.5)
    assert limit.limit == 230
    rounds(limit, clock, 80, waited_s=0.5)
    assert limit.limit <= 18


def test_short_waits_let_it_grow_again_where_it_is_used(
    limit: AdmissionLimit, clock: Clock
) -> None:
    rounds(limit, clock, 80, waited_s=0.5)
    rounds(limit, clock, 20, waited_s=0.01)
    assert limit.limit > 100, "much faster than with time alone"


def test_it_shrinks_from_what_is_in_use(limit: AdmissionLimit, clock: Clock) -> None:
    rounds(limit, clock, 2, waited_s=0.5, running=40)
    assert limit.limit == 36


def test_one_request_that_waited_long_is_no_verdict(limit: AdmissionLimit, clock: Clock) -> None:
    for _ in range(20):
        with limit.running():
            clock.now_s += 0.7
        limit.observe(0.7)
        clock.now_s += 60.0
    assert limit.limit == 256


def test_a_burst_is_no_verdict(limit: AdmissionLimit, clock: Clock) -> None:
    """Sixty-four at once, of which the last ones waited for all others."""
    with ExitStack() as stack:
        for _ in range(64):
            stack.enter_context(limit.running())
        for place in range(64):
            clock.now_s += 0.005
            limit.observe(place * 0.005)
    assert limit.limit == 256


def test_with_time_it_is_what_it_was(limit: AdmissionLimit, clock: Clock) -> None:
    rounds(limit, clock, 80, waited_s=0.5)
    clock.now_s += 20.0
    assert 32 <= limit.limit <= 36
    clock.now_s += 80.0
    assert limit.limit == 256


def test_heavy_work_counts_as_what_it_is(limit: AdmissionLimit) -> None:
    with limit.running() as first:
        first.weigh(200)
        assert limit.open_requests == 200
        with limit.running() as second:
            with pytest.raises(Overloaded):
                second.weigh(64)
            second.weigh(50)
            assert limit.open_requests == 250
    assert limit.open_requests == 0


def test_what_is_more_than_the_limit_comes_in_alone(clock: Clock) -> None:
    limit = AdmissionLimit(max_requests=16, target_wait_s=0.2, now=clock)
    with limit.running() as batch:
        batch.weigh(64)
        assert limit.is_reached
        with pytest.raises(Overloaded), limit.running():
            pass
    with limit.running(), limit.running() as late, pytest.raises(Overloaded):
        late.weigh(64)


def test_a_few_late_requests_change_nothing(limit: AdmissionLimit, clock: Clock) -> None:
    for place in range(10):
        clock.now_s += 0.01
        limit.observe(0.5 if place % 3 == 0 else 0.01)
    clock.now_s += 0.25
    limit.observe(0.01)
    assert limit.limit == 256


def test_within_a_round_nothing_changes(limit: AdmissionLimit, clock: Clock) -> None:
    for _ in range(100):
        clock.now_s += 0.001
        limit.observe(9.0)
    assert limit.limit == 256


def test_a_low_highest_limit_is_its_own_floor(clock: Clock) -> None:
    limit = AdmissionLimit(max_requests=4, target_wait_s=0.2, now=clock)
    rounds(limit, clock, 20, waited_s=0.5)
    assert limit.limit == 4


@pytest.mark.parametrize("capacity_per_s", [50.0, 400.0])
def test_under_overload_it_settles_where_the_wait_is_the_target(
    clock: Clock, capacity_per_s: float
) -> None:
    """A service of fixed capacity: by Little's law each of n requests waits n / capacity."""
    limit = AdmissionLimit(max_requests=256, target_wait_s=0.2, now=clock)
    waits = []
    for _ in range(400):
        # More than enough callers for any limit.
        waited_s = limit.limit / capacity_per_s
        rounds(limit, clock, 1, waited_s=waited_s, running=limit.limit)
        waits.append(waited_s)
    settled = waits[200:]
    assert max(settled) < 0.2 * 1.3 or limit.limit <= 18
    assert sum(settled) / len(settled) > 0.2 * 0.75


async def test_the_longest_wait_of_a_request_counts() -> None:
    async def request(*waits_s: float) -> float:
        with waiting() as waited:
            async with asyncio.TaskGroup() as calls:
                for waited_s in waits_s:
                    calls.create_task(call(waited_s))
        assert waited.calls == len(waits_s)
        return waited.longest_s

    async def call(waited_s: float) -> None:
        await asyncio.sleep(0)
        note_wait(waited_s)

    totals = await asyncio.gather(request(0.25, 0.5), request(1.0), request())
    assert totals == [0.5, 1.0, 0.0]


def test_outside_of_a_request_a_wait_is_nobodys() -> None:
    note_wait(1.0)
