"""Limits while their store is away."""

from collections.abc import Sequence

import pytest

from app.limits.stores.fallback import FallbackStore
from app.limits.stores.gcra import cost_us, refund_us
from app.limits.stores.memory_store import MemoryStore
from app.limits.stores.operations import Decision, Lease, Move, Operation, Store
from app.limits.stores.redis_store import RedisStore
from app.storage.circuit import StoreAway
from benchmarks.peers.redis_server import RedisServer
from deployments.contracts.errors import ConfigError
from tests.clock import Clock
from tests.unit.app.limits.conftest import MicrosecondClock

LIMIT = 8


class Unsteady:
    """A store that is away as long as a test says so."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.is_away = False
        self.failures = 0
        self.does_it_all_the_same = False
        self.calls = 0

    def run(self, operations: Sequence[Operation]) -> list[Decision]:
        self.calls += 1
        if self.does_it_all_the_same:
            self.does_it_all_the_same = False
            self.store.run(operations)
        if self.failures:
            self.failures -= 1
            raise StoreAway("it is slow")
        if self.is_away:
            raise StoreAway("it is away")
        return self.store.run(operations)

    def close(self) -> None:
        """It holds nothing."""


@pytest.fixture
def shared(clock: MicrosecondClock) -> Unsteady:
    return Unsteady(MemoryStore(clock))


@pytest.fixture
def seconds() -> Clock:
    return Clock()


@pytest.fixture
def store(shared: Unsteady, clock: MicrosecondClock, seconds: Clock) -> FallbackStore:
    return FallbackStore(shared, max_replicas=4, local=MemoryStore(clock), now=seconds)


def _one(limit: int = LIMIT) -> Operation:
    return Operation(
        moves=(Move("b", cost_us(1, limit)),), leases=(Lease("l", "m", limit, 10_000_000),)
    )


def test_each_replica_has_its_part_while_the_store_is_away(
    store: FallbackStore, shared: Unsteady
) -> None:
    shared.is_away = True
    decisions = [store.run([_one()])[0] for _ in range(4)]
    assert [decision.passed for decision in decisions] == [True, True, False, False]
    assert all(decision.local for decision in decisions)


def test_after_three_failures_the_store_is_left_alone_for_a_second(
    store: FallbackStore, shared: Unsteady, seconds: Clock
) -> None:
    shared.is_away = True
    for _ in range(10):
        store.run([_one()])
    assert shared.calls == 3
    assert store.is_away
    assert store.failed_calls == 3
    seconds.now_s += 1.1
    store.run([_one()])
    store.run([_one()])
    assert shared.calls == 4
    shared.is_away = False
    seconds.now_s += 1.1
    [decision] = store.run([_one()])
    assert (decision.passed, decision.local, store.is_away) == (True, False, False)


def test_one_failure_between_answers_opens_nothing(store: FallbackStore, shared: Unsteady) -> None:
    for turn in range(4):
        shared.failures = 2
        assert not store.run([_one(1000)])[0].local
        assert store.failed_calls == 2 * (turn + 1)
    assert not store.is_away


def test_what_is_given_back_is_not_given_twice(
    store: FallbackStore, shared: Unsteady, clock: MicrosecondClock
) -> None:
    store.run([Operation(moves=(Move("b", cost_us(8, LIMIT)),))])
    back = Operation(moves=(Move("b", -refund_us(4, LIMIT)),), forced=True)
    shared.failures, shared.does_it_all_the_same = 1, True
    store.run([back])
    asked = Operation(moves=(Move("b", cost_us(1, LIMIT)),))
    assert [decision.passed for decision in store.run([asked] * 5)] == [True] * 4 + [False]


def test_what_was_decided_alone_is_settled_alone(
    store: FallbackStore, shared: Unsteady, seconds: Clock
) -> None:
    store.run([Operation(moves=(Move("b", cost_us(6, LIMIT)),))])
    shared.is_away = True
    assert store.run([Operation(moves=(Move("b", cost_us(1, LIMIT)),))])[0].local
    shared.is_away = False
    seconds.now_s += 1.1
    back = Operation(moves=(Move("b", -refund_us(1, LIMIT)),), forced=True, local=True)
    [settled, asked] = store.run([back, Operation(moves=(Move("b", cost_us(3, LIMIT)),))])
    assert settled.local
    assert (asked.passed, asked.local) == (False, False)  # 6 of 8 are still gone


def test_what_the_store_decided_gives_nothing_back_here(
    store: FallbackStore, shared: Unsteady
) -> None:
    shared.is_away = True
    assert [store.run([_one()])[0].passed for _ in range(2)] == [True, True]
    store.run([Operation(moves=(Move("b", -refund_us(8, LIMIT)),), forced=True)])
    assert not store.run([_one()])[0].passed


def test_what_is_worth_more_than_a_part_passes_over_a_full_bucket(
    store: FallbackStore, shared: Unsteady, clock: MicrosecondClock
) -> None:
    shared.is_away = True
    large = Operation(moves=(Move("b", cost_us(7, LIMIT)),))
    assert [store.run([large])[0].passed for _ in range(2)] == [True, False]
    clock.pass_s(61)
    assert store.run([large])[0].passed


def test_a_redis_that_stops_and_comes_back(redis_server: RedisServer, redis_url: str) -> None:
    seconds = Clock()
    made = FallbackStore(RedisStore(redis_url), max_replicas=2, now=seconds)
    assert not made.run([_one()])[0].local
    redis_server.stop()
    assert [made.run([_one()])[0].local for _ in range(3)] == [True] * 3
    assert made.is_away
    redis_server.start()
    seconds.now_s += 1.1
    assert not made.run([_one()])[0].local  # the script is loaded anew
    made.close()


def test_a_server_without_the_script_is_given_it(redis_server: RedisServer, redis_url: str) -> None:
    store = RedisStore(redis_url)
    assert store.run([_one()])[0].passed
    other = RedisStore(redis_url)
    other._link._client.script_flush()
    assert store.run([_one(), _one()])[1].passed
    store.close()
    other.close()


def test_the_time_is_the_servers(redis_url: str) -> None:
    store = RedisStore(redis_url)
    [decision] = store.run([Operation(moves=(Move("b", cost_us(1, 60)),))])
    assert decision.used_us == (1_000_000,)
    [decision] = store.run([Operation(moves=(Move("b", 0),))])
    assert 0 < decision.used_us[0] < 1_000_000
    store.close()


def test_a_url_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(ConfigError) as caught:
        RedisStore("http://:secret@host/0")
    assert "secret" not in str(caught.value)
