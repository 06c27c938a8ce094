"""What is spent, reserved and given back."""

import threading
from itertools import count

import pytest

from deployments.budgets.contract import Amount, Place, Reserve, Reserved, Settle, Settled
from deployments.budgets.store import BudgetStore

DAY = Place("key:k", "2026-11-29", 1e9, limit_picousd=1000, limit_tokens=100)
MONTH = Place("key:k", "2026-11", 2e9, limit_picousd=5000)
TENANT = Place("tenant:t", "2026-11", 2e9, limit_tokens=150)
PLACES = (DAY, MONTH, TENANT)
_ids = count()


def _reserve(amount: Amount, *places: Place, id: str = "", holder: str = "h") -> Reserve:
    return Reserve(id or f"r{next(_ids)}", holder, amount, places or PLACES, "v1")


def _spent(store: BudgetStore, place: Place = DAY) -> tuple[Amount, Amount]:
    standing = store.standing(*place.key)
    return (
        Amount(standing.spent_picousd, standing.spent_tokens),
        Amount(standing.reserved_picousd, standing.reserved_tokens),
    )


def test_what_is_reserved_counts_until_it_is_settled(store: BudgetStore) -> None:
    assert store.run([_reserve(Amount(900, 10), id="a")]) == [Reserved()]
    assert _spent(store) == (Amount(), Amount(900, 10))
    [refused] = store.run([_reserve(Amount(200, 10))])
    assert refused == Reserved(DAY, Amount(100, 90))
    [settled] = store.run([Settle("a", Amount(300, 5), PLACES)])
    assert settled == Settled("held")
    assert _spent(store) == (Amount(300, 5), Amount())
    assert store.run([_reserve(Amount(200, 10))]) == [Reserved()]


def test_all_places_hold_or_none_takes_anything(store: BudgetStore) -> None:
    [refused] = store.run([_reserve(Amount(1, 160), MONTH, TENANT)])
    assert isinstance(refused, Reserved)
    assert refused.refused_by == TENANT
    assert _spent(store, MONTH) == (Amount(), Amount())


def test_a_group_is_decided_in_its_order(store: BudgetStore) -> None:
    asked = [_reserve(Amount(400, 1)) for _ in range(4)]
    results = store.run(asked)
    assert [result == Reserved() for result in results] == [True, True, False, False]


def test_budgets_that_somebody_has_deleted_begin_anew(store: BudgetStore) -> None:
    store.run([_reserve(Amount(900, 10), id="a")])
    with store._transaction() as connection:
        connection.exec_driver_sql("DELETE FROM budgets")
    assert store.run([_reserve(Amount(900, 10))]) == [Reserved()]
    assert _spent(store) == (Amount(), Amount(900, 10))


def test_a_settlement_that_is_repeated_counts_once(store: BudgetStore) -> None:
    store.run([_reserve(Amount(500, 1), id="a")])
    settle = Settle("a", Amount(400, 1), PLACES)
    assert store.run([settle, settle])[1] == Settled("settled")
    assert store.run([settle]) == [Settled("settled")]
    assert _spent(store) == (Amount(400, 1), Amount())


def test_a_settlement_may_travel_with_its_reservation(store: BudgetStore) -> None:
    store.run([_reserve(Amount(500, 1), id="a"), Settle("a", Amount(), PLACES)])
    assert _spent(store) == (Amount(), Amount())


def test_more_than_was_reserved_is_spent_and_told(store: BudgetStore) -> None:
    store.run([_reserve(Amount(500, 1), id="a")])
    [settled] = store.run([Settle("a", Amount(1200, 1), PLACES)])
    assert isinstance(settled, Settled)
    assert settled.underestimated
    assert _spent(store) == (Amount(1200, 1), Amount())


def test_what_nobody_reserved_is_not_spent(store: BudgetStore) -> None:
    assert store.run([Settle("unheard-of", Amount(5, 5), PLACES)]) == [Settled(None)]


def test_a_budget_that_only_warns_lets_pass_and_says_so(store: BudgetStore) -> None:
    warns = Place("key:w", "2026-11", 1e9, limit_picousd=10, enforced=False)
    [first, second] = store.run([_reserve(Amount(10, 0), warns), _reserve(Amount(1, 0), warns)])
    assert first == Reserved()
    assert second == Reserved(exceeded=(warns,))
    assert _spent(store, warns)[1] == Amount(11, 0)


def test_each_share_of_a_budget_is_told_once(store: BudgetStore) -> None:
    told: list[list[int]] = []
    for amount in (400, 100, 50, 300, 100, 50):
        store.run([_reserve(Amount(amount, 0), DAY, id=f"s{len(told)}")])
        [settled] = store.run([Settle(f"s{len(told)}", Amount(amount, 0), (DAY,))])
        assert isinstance(settled, Settled)
        told.append([alert.percent for alert in settled.alerts])
    assert told == [[], [50], [], [80], [], [100]]


def test_who_is_gone_gives_back_and_is_still_charged_for_what_comes_late(
    store: BudgetStore,
) -> None:
    store.run([_reserve(Amount(300, 1), id="a", holder="dead")])
    store.run([_reserve(Amount(200, 1), id="b", holder="alive")])
    assert store.release(["dead"]) == 1
    assert store.release(["dead"]) == 0
    assert _spent(store) == (Amount(), Amount(200, 1))
    assert store.run([Settle("a", Amount(250, 1), PLACES)]) == [Settled("released")]
    assert _spent(store) == (Amount(250, 1), Amount(200, 1))


def test_beats_are_counted_by_holder(store: BudgetStore) -> None:
    store.beat("one")
    store.beat("two")
    assert store.beat("one") == {"one": 2, "two": 1}


def test_what_has_ended_is_forgotten_and_what_is_held_is_not(store: BudgetStore) -> None:
    store.beat("h")
    store.run([_reserve(Amount(1, 1), id="a"), _reserve(Amount(2, 2), id="b")])
    store.run([Settle("a", Amount(1, 1))])
    store.forget(before_s=1e12)
    assert store.run([Settle("a", Amount(1, 1)), Settle("b", Amount(2, 2))]) == [
        Settled(None),
        Settled("held"),
    ]
    assert _spent(store) == (Amount(3, 3), Amount())
    store.forget(before_s=1e12)
    assert store.beat("other") == {"other": 1}


@pytest.mark.parametrize("writers", [4])
def test_no_budget_is_exceeded_however_many_ask_at_once(store: BudgetStore, writers: int) -> None:
    admitted: list[int] = []

    def ask(number: int) -> None:
        for turn in range(15):
            id = f"{number}-{turn}"
            [result] = store.run([_reserve(Amount(30, 2), id=id)])
            if result == Reserved():
                admitted.append(30)
                store.run([Settle(id, Amount(30, 2), PLACES)])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert _spent(store) == (Amount(sum(admitted), len(admitted) * 2), Amount())
    assert sum(admitted) == 990
