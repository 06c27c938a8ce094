"""What is spent, held and given back."""

import threading
from typing import Any

import pytest

from deployments.budgets.contract import (
    NOTHING,
    Amount,
    Need,
    Place,
    PortionNews,
    PortionState,
    Reserved,
)
from deployments.budgets.store import BudgetStore

DAY = Place("key:k", "2026-11-29", 1e9, limit_picousd=1000, limit_tokens=100)
MONTH = Place("key:k", "2026-11", 2e9, limit_picousd=5000)
TENANT = Place("tenant:t", "2026-11", 2e9, limit_tokens=150)


def _state(id: str, number: int = 1, place: Place = DAY, **values: Any) -> PortionState:
    return PortionState(id, values.pop("holder", "h"), place, number, **values)


def _tell(store: BudgetStore, *states: PortionState, parts: int = 8) -> list[PortionNews]:
    return store.tell(states, parts=parts)[0]


def _take(store: BudgetStore, id: str, amount: Amount, place: Place = DAY) -> Reserved:
    """Asks for an amount with a new portion."""
    [reserved] = store.tell([_state(id, place=place)], [Need((id,), amount)])[1]
    return reserved


def _spent(store: BudgetStore, place: Place = DAY) -> tuple[Amount, Amount]:
    standing = store.standing(*place.key)
    return (
        Amount(standing.spent_picousd, standing.spent_tokens),
        Amount(standing.reserved_picousd, standing.reserved_tokens),
    )


def test_what_is_in_use_counts_until_it_is_told_otherwise(store: BudgetStore) -> None:
    assert _take(store, "a", Amount(900, 10)) == Reserved()
    assert _spent(store) == (NOTHING, Amount(900, 10))
    assert _take(store, "b", Amount(200, 10)) == Reserved(DAY, Amount(100, 90))
    [news] = _tell(store, _state("a", 2, spent=Amount(300, 5)))
    assert news.was == "held"
    assert _spent(store) == (Amount(300, 5), NOTHING)
    assert _take(store, "c", Amount(200, 10)) == Reserved()


def test_all_portions_give_or_none_does(store: BudgetStore) -> None:
    states = [_state("m", place=MONTH), _state("t", place=TENANT)]
    [refused] = store.tell(states, [Need(("m", "t"), Amount(1, 160))])[1]
    assert refused.refused_by == TENANT
    assert _spent(store, MONTH) == (NOTHING, NOTHING)


def test_needs_are_met_in_their_order(store: BudgetStore) -> None:
    needs = [Need(("a",), Amount(400, 1))] * 4
    met = store.tell([_state("a")], needs)[1]
    assert [reserved == Reserved() for reserved in met] == [True, True, False, False]


def test_budgets_that_somebody_has_deleted_begin_anew(store: BudgetStore) -> None:
    _take(store, "a", Amount(900, 10))
    with store._transaction() as connection:
        connection.exec_driver_sql("DELETE FROM budgets")
    assert _take(store, "b", Amount(900, 10)) == Reserved()
    _tell(store, _state("a", 2, spent=Amount(7, 7)))
    assert _spent(store) == (Amount(7, 7), NOTHING)


def test_a_telling_that_is_repeated_counts_once(store: BudgetStore) -> None:
    settled = _state("a", 2, spent=Amount(400, 1))
    _take(store, "a", Amount(500, 1))
    for _ in range(3):
        assert _tell(store, settled)[0].was == "held"
    assert _spent(store) == (Amount(400, 1), NOTHING)


def test_an_older_telling_that_comes_late_changes_nothing(store: BudgetStore) -> None:
    _tell(store, _state("a", 5, in_use=Amount(10, 1), spent=Amount(400, 1)))
    _tell(store, _state("a", 4, in_use=Amount(900, 9), spent=Amount(100, 1), wants=Amount(9, 9)))
    assert _spent(store) == (Amount(400, 1), Amount(10, 1))


def test_a_telling_that_was_lost_is_made_good_by_the_next(store: BudgetStore) -> None:
    _take(store, "a", Amount(500, 5))
    _tell(store, _state("a", 7, in_use=Amount(100, 1), spent=Amount(650, 6)))
    assert _spent(store) == (Amount(650, 6), Amount(100, 1))


def test_more_than_is_left_may_be_spent_and_is_never_hidden(store: BudgetStore) -> None:
    _take(store, "a", Amount(500, 1))
    _tell(store, _state("a", 2, spent=Amount(1200, 1)))
    assert _spent(store) == (Amount(1200, 1), NOTHING)
    assert _take(store, "b", Amount(1, 1)).left == Amount(-200, 99)


def test_what_nobody_knows_any_more_is_not_spent(store: BudgetStore) -> None:
    [news] = _tell(store, _state("unheard-of", 9, spent=Amount(5, 5), may_be_new=False))
    assert news.was is None
    assert _spent(store) == (NOTHING, NOTHING)


def test_no_portion_has_more_free_than_its_part_of_what_is_left(store: BudgetStore) -> None:
    asked = _state("a", wants=Amount(10_000, 50), least=Amount(100, 10))
    [news] = _tell(store, asked, parts=8)
    assert (news.granted, news.most) == (Amount(125, 12), Amount(125, 12))
    again = _state("a", 2, free=Amount(125, 12), wants=Amount(10_000, 50))
    assert _tell(store, again)[0].granted == NOTHING
    assert _spent(store) == (NOTHING, Amount(125, 12))


def test_what_is_too_little_for_a_request_is_left_to_all(store: BudgetStore) -> None:
    asked = _state("a", wants=Amount(10_000, 50), least=Amount(126, 10))
    assert _tell(store, asked, parts=8)[0].granted == NOTHING
    assert _spent(store) == (NOTHING, NOTHING)


def test_what_has_no_bound_needs_no_portion(store: BudgetStore) -> None:
    [news] = _tell(store, _state("m", place=MONTH, wants=Amount(10, 10), least=Amount(1, 0)))
    assert news.granted == Amount(10, 0)


def test_what_others_hold_and_do_not_use_is_called_back(store: BudgetStore) -> None:
    _tell(store, _state("rich", free=Amount(300, 10), in_use=Amount(300, 10)))
    refused = _take(store, "a", Amount(600, 1))
    assert (refused.refused_by, refused.is_elsewhere) == (DAY, True)
    told = _state("rich", 2, free=Amount(300, 10), in_use=Amount(300, 10))
    assert _tell(store, told)[0].called == 1
    assert not _take(store, "b", Amount(701, 1)).is_elsewhere


def test_nobody_is_called_for_what_another_budget_refuses(store: BudgetStore) -> None:
    _tell(store, _state("rich", free=Amount(600, 10)))
    states = [_state("a"), _state("t", place=TENANT)]
    [refused] = store.tell(states, [Need(("a", "t"), Amount(600, 151))])[1]
    assert (refused.refused_by, refused.is_elsewhere) == (DAY, False)
    [refused] = store.tell(
        [_state("a", 2), _state("t", 2, TENANT, in_use=Amount(0, 100))],
        [Need(("a", "t"), Amount(600, 60))],
    )[1]
    assert (refused.refused_by, refused.is_elsewhere) == (TENANT, False)


def test_a_budget_that_only_warns_lets_pass_and_says_so(store: BudgetStore) -> None:
    warns = Place("key:w", "2026-11", 1e9, limit_picousd=10, enforced=False)
    assert _take(store, "a", Amount(10, 0), warns) == Reserved()
    assert _take(store, "b", Amount(1, 0), warns) == Reserved(exceeded=(warns,))
    assert _spent(store, warns)[1] == Amount(11, 0)
    assert not _tell(store, _state("a", 2, warns, spent=Amount(9, 0)))[0].is_over
    assert _tell(store, _state("a", 3, warns, spent=Amount(10, 0)))[0].is_over


def test_each_share_of_a_budget_is_told_once(store: BudgetStore) -> None:
    told: list[list[int]] = []
    spent = 0
    for number, amount in enumerate((400, 100, 50, 300, 100, 50), 1):
        spent += amount
        [news] = _tell(store, _state("a", number, spent=Amount(spent, 0)))
        told.append([alert.percent for alert in news.alerts])
    assert told == [[], [50], [], [80], [], [100]]


def test_who_is_gone_gives_back_and_is_still_charged_for_what_comes_late(
    store: BudgetStore,
) -> None:
    _tell(store, _state("a", in_use=Amount(200, 1), free=Amount(100, 1), holder="dead"))
    _tell(store, _state("b", in_use=Amount(200, 1), holder="alive"))
    assert store.release(["dead"]) == 1
    assert store.release(["dead"]) == 0
    assert _spent(store) == (NOTHING, Amount(200, 1))
    assert store.standing(*DAY.key).free == NOTHING
    late = _state("a", 2, in_use=Amount(100, 1), spent=Amount(250, 1), wants=Amount(1, 1))
    news, [met] = store.tell([late], [Need(("a",), Amount(1, 1))])
    assert (news[0].was, news[0].granted, met.is_gone) == ("released", NOTHING, True)
    assert _spent(store) == (Amount(250, 1), Amount(200, 1))


def test_a_row_of_the_version_that_reserved_for_each_request_is_released(
    store: BudgetStore,
) -> None:
    _take(store, "new", Amount(5, 5))
    with store._transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO budget_reservations (id, holder, state, picousd, tokens, places,"
            " price_version, changed_s) VALUES ('old', 'dead', 'held', 3, 3,"
            """ '[["key:k","2026-11-29"],["tenant:t","2026-11"]]', 'v1', 1.0)"""
        )
        connection.exec_driver_sql("UPDATE budgets SET reserved_tokens = 8, reserved_picousd = 8")
    assert store.release(["dead"]) == 1
    assert _spent(store) == (NOTHING, Amount(5, 5))


def test_beats_are_counted_by_holder(store: BudgetStore) -> None:
    store.beat("one")
    store.beat("two")
    assert store.beat("one") == {"one": 2, "two": 1}


def test_what_has_ended_is_forgotten_and_what_is_held_is_not(store: BudgetStore) -> None:
    store.beat("h")
    _tell(store, _state("a", spent=Amount(1, 1), ends=True), _state("b", in_use=Amount(2, 2)))
    store.forget(before_s=1e12)
    states = [_state(id, 2, spent=Amount(2, 2), may_be_new=False, ends=True) for id in "ab"]
    assert [news.was for news in _tell(store, *states)] == [None, "held"]
    assert _spent(store) == (Amount(3, 3), NOTHING)
    store.forget(before_s=1e12)
    assert store.beat("other") == {"other": 1}


def test_what_is_told_is_seen_by_others_at_once(store: BudgetStore, url: str) -> None:
    _take(store, "a", Amount(500, 5))
    other = BudgetStore(url)
    assert _spent(other) == (NOTHING, Amount(500, 5))
    other.close()


@pytest.mark.parametrize("writers", [4])
def test_no_budget_is_exceeded_however_many_ask_at_once(store: BudgetStore, writers: int) -> None:
    admitted: list[int] = []

    def ask(writer: int) -> None:
        ids = tuple(f"{writer}-{number}" for number in range(3))
        places = (DAY, MONTH, TENANT)
        spent = NOTHING
        for turn in range(15):
            states = [
                _state(id, 2 * turn + 1, place, spent=spent)
                for id, place in zip(ids, places, strict=True)
            ]
            [reserved] = store.tell(states, [Need(ids, Amount(30, 2))])[1]
            if reserved == Reserved():
                admitted.append(30)
                spent += Amount(30, 2)
                states = [
                    _state(id, 2 * turn + 2, place, spent=spent)
                    for id, place in zip(ids, places, strict=True)
                ]
                store.tell(states)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert _spent(store) == (Amount(sum(admitted), len(admitted) * 2), NOTHING)
    assert sum(admitted) == 990
