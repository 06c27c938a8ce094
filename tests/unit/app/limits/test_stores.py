"""What every store of limits does alike."""

from app.limits.stores.gcra import MINUTE_US, cost_us, refund_us, remaining_units
from app.limits.stores.operations import Lease, Move, Operation, Store
from tests.unit.app.limits.conftest import MicrosecondClock

TTL_US = 10_000_000


def _spend(units: int, limit: int, name: str = "rs:{a}:key:k:requests") -> Operation:
    return Operation(moves=(Move(name, cost_us(units, limit)),))


def _lease(member: str, limit: int = 2, ttl_us: int = TTL_US, *, forced: bool = False) -> Operation:
    return Operation(leases=(Lease("rs:{a}:running", member, limit, ttl_us),), forced=forced)


def test_a_bucket_gives_what_it_holds_and_then_its_rate(
    store: Store, clock: MicrosecondClock
) -> None:
    passed = [decision.passed for decision in store.run([_spend(1, 3)] * 5)]
    assert passed == [True, True, True, False, False]
    [refused] = store.run([_spend(1, 3)])
    assert (refused.refused_by, refused.wait_us) == (0, 20_000_000)
    clock.pass_s(20)
    assert [decision.passed for decision in store.run([_spend(1, 3)] * 2)] == [True, False]


def test_the_answer_says_what_is_left(store: Store) -> None:
    [decision] = store.run([_spend(250, 600)])
    assert remaining_units(decision.used_us[0], 600) == 350
    assert decision.used_us == (25_000_000,)


def test_an_operation_is_done_whole_or_not_at_all(store: Store) -> None:
    both = Operation(
        moves=(Move("rs:{a}:1", cost_us(1, 10)), Move("rs:{a}:2", cost_us(2, 1))),
        leases=(Lease("rs:{a}:running", "m", 5, TTL_US),),
    )
    [refused] = store.run([both])
    assert refused.refused_by == 1
    assert refused.used_us == (0, 0)
    assert refused.taken == (0,)
    [first] = store.run([Operation(moves=(Move("rs:{a}:1", 0), Move("rs:{a}:2", 0)))])
    assert first.used_us == (0, 0)


def test_a_full_set_of_places_refuses_without_moving_a_bucket(store: Store) -> None:
    store.run([_lease("a", 1)])
    asks = Operation(
        moves=(Move("rs:{a}:1", cost_us(1, 10)),),
        leases=(Lease("rs:{a}:running", "b", 1, TTL_US),),
    )
    [refused] = store.run([asks])
    assert (refused.refused_by, refused.taken, refused.used_us) == (1, (1,), (0,))


def test_a_place_is_free_when_it_was_given_back(store: Store) -> None:
    assert [d.passed for d in store.run([_lease("a"), _lease("b"), _lease("c")])] == [
        True,
        True,
        False,
    ]
    store.run([_lease("a", ttl_us=0, forced=True)])
    [decision] = store.run([_lease("c")])
    assert decision.passed
    assert decision.taken == (2,)


def test_a_place_is_free_when_nobody_renewed_it(store: Store, clock: MicrosecondClock) -> None:
    store.run([_lease("a"), _lease("b")])
    clock.pass_s(6)
    store.run([_lease("a", forced=True)])
    clock.pass_s(6)
    assert [d.passed for d in store.run([_lease("c"), _lease("d")])] == [True, False]


def test_a_renewal_puts_back_what_the_store_has_lost(store: Store) -> None:
    store.run([_lease("a", forced=True), _lease("b", forced=True)])
    [decision] = store.run([_lease("c")])
    assert not decision.passed


def test_a_settlement_gives_back_and_takes_more(store: Store) -> None:
    name = "rs:{a}:tokens"
    store.run([_spend(100, 100, name)])
    back = Operation(moves=(Move(name, -refund_us(60, 100)),), forced=True)
    [settled] = store.run([back])
    assert remaining_units(settled.used_us[0], 100) == 60
    owed = Operation(moves=(Move(name, cost_us(90, 100)),), forced=True)
    [settled] = store.run([owed])
    assert settled.used_us == (78_000_000,)
    assert not store.run([_spend(1, 100, name)])[0].passed


def test_a_debt_is_one_period_at_most(store: Store, clock: MicrosecondClock) -> None:
    store.run([Operation(moves=(Move("rs:{a}:1", 50 * MINUTE_US),), forced=True)])
    clock.pass_s(60.5)
    assert not store.run([_spend(1, 60, "rs:{a}:1")])[0].passed
    clock.pass_s(0.5)
    assert store.run([_spend(1, 60, "rs:{a}:1")])[0].passed


def test_a_clock_that_goes_back_shuts_nobody_out_for_long(
    store: Store, clock: MicrosecondClock
) -> None:
    store.run([_spend(1, 1)])
    clock.pass_s(-86_400)
    assert store.run([_spend(1, 1)])[0].wait_us <= 2 * MINUTE_US
