"""Laws of the rate that hold for every sequence of requests, and for every store."""

from pathlib import Path
from tempfile import TemporaryDirectory

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.limits.stores.gcra import MINUTE_US, cost_us, refund_us
from app.limits.stores.memory_store import MemoryStore
from app.limits.stores.operations import Lease, Move, Operation
from app.limits.stores.redis_store import RedisStore
from app.limits.stores.sqlite_store import SqliteStore
from tests.unit.app.limits.conftest import MicrosecondClock

NAMES = ("rs:{a}:1", "rs:{a}:2", "rs:{a}:3")
limits = st.integers(1, 100_000)
steps = st.lists(
    st.tuples(st.integers(0, 40_000_000), st.integers(1, 5_000)), min_size=1, max_size=60
)


@given(limit=limits, asked=steps)
def test_no_more_is_admitted_than_the_capacity_and_what_came_in_since(
    limit: int, asked: list[tuple[int, int]]
) -> None:
    clock = MicrosecondClock()
    store, began_us, admitted = MemoryStore(clock), clock.now_us, 0
    for passed_us, units in asked:
        clock.now_us += passed_us
        [decision] = store.run([Operation(moves=(Move("b", cost_us(units, limit)),))])
        admitted += units if decision.passed else 0
        elapsed_us = clock.now_us - began_us
        assert admitted * MINUTE_US <= limit * (MINUTE_US + elapsed_us)


@given(limit=limits, asked=steps, used=st.data())
def test_what_was_used_stays_within_the_same_bound_when_the_rest_comes_back(
    limit: int, asked: list[tuple[int, int]], used: st.DataObject
) -> None:
    clock = MicrosecondClock()
    store, began_us, admitted = MemoryStore(clock), clock.now_us, 0
    for passed_us, units in asked:
        clock.now_us += passed_us
        [decision] = store.run([Operation(moves=(Move("b", cost_us(units, limit)),))])
        if not decision.passed:
            continue
        spent = used.draw(st.integers(0, units))
        back = Move("b", -refund_us(units - spent, limit))
        store.run([Operation(moves=(back,), forced=True)])
        admitted += spent
        elapsed_us = clock.now_us - began_us
        assert admitted * MINUTE_US <= limit * (MINUTE_US + elapsed_us)


@given(limit=limits, units=st.integers(1, 5_000), spent=st.integers(0, 5_000))
def test_a_refund_leaves_a_bucket_as_if_less_had_been_asked(
    limit: int, units: int, spent: int
) -> None:
    spent = min(spent, units)
    clock = MicrosecondClock()
    whole, exact = MemoryStore(clock), MemoryStore(clock)
    [decision] = whole.run([Operation(moves=(Move("b", cost_us(units, limit)),))])
    if not decision.passed:
        return
    back = Move("b", -refund_us(units - spent, limit))
    [settled] = whole.run([Operation(moves=(back,), forced=True)])
    [asked] = exact.run([Operation(moves=(Move("b", cost_us(spent, limit)),))])
    assert 0 <= settled.used_us[0] - asked.used_us[0] <= 2  # rounded, never in favour of who asks


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    forced = draw(st.booleans())
    least = -90_000_000 if forced else 0
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3))
    moves = tuple(
        Move(name, draw(st.integers(least, 90_000_000)), draw(st.integers(1, 90_000_000)))
        for name in names
    )
    leases = tuple(
        Lease(
            f"rs:{{a}}:running:{place}",
            draw(st.sampled_from("abcd")),
            draw(st.integers(0, 3)),
            draw(st.integers(0 if forced else 1, 20_000_000)),
        )
        for place in range(draw(st.integers(0, 2)))
    )
    return Operation(moves, leases, forced=forced)


@given(
    course=st.lists(
        st.tuples(st.integers(-5_000_000, 40_000_000), st.lists(operations(), max_size=4)),
        max_size=8,
    )
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_stores_decide_alike(redis_url: str, course: list[tuple[int, list[Operation]]]) -> None:
    clock = MicrosecondClock()
    with TemporaryDirectory() as folder:
        client = redis.Redis.from_url(redis_url)
        client.flushall()
        stores = (
            MemoryStore(clock),
            SqliteStore(Path(folder) / "limits.db", clock),
            RedisStore(redis_url, now_us=clock, client=client),
        )
        for passed_us, together in course:
            clock.now_us += passed_us
            memory, sqlite, lua = (store.run(together) for store in stores)
            assert memory == sqlite == lua
        for store in stores:
            store.close()
