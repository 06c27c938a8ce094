"""Budgets as a replica keeps them: what it draws from in memory, while the database is away, and
when a replica is gone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from app.limits.budget_book import BudgetBook
from app.limits.subjects import Subject
from deployments.access.records import Budgets
from deployments.budgets.contract import Alert, Amount, Need, PortionNews, PortionState, Reserved
from deployments.budgets.periods import periods_at
from deployments.budgets.standing import Standing
from deployments.budgets.store import BudgetStore
from deployments.contracts.errors import BudgetExceeded, Unavailable

KEY = Subject("key:k", "This key", "t", budgets=Budgets(day_tokens=1000, month_tokens=5000))
RICH = replace(KEY, budgets=Budgets(day_tokens=10**9, month_picousd=10**15))
NOON_S = 1_796_040_000.0


class Unsteady(BudgetStore):
    """A database that is away, or whose answers are lost, as long as a test says so."""

    is_away = False
    loses_answers = False
    tellings = 0

    def tell(
        self, states: Sequence[PortionState], needs: Sequence[Need] = (), *, parts: int = 8
    ) -> tuple[list[PortionNews], list[Reserved]]:
        if self.is_away:
            raise Unavailable("It does not answer.", "control")
        self.tellings += 1
        told = super().tell(states, needs, parts=parts)
        if self.loses_answers:
            raise Unavailable("Its answer was lost.", "control")
        return told


@pytest.fixture
def store(tmp_path: Path) -> Unsteady:
    made = Unsteady(f"sqlite:///{tmp_path / 'control.db'}")
    made.upgrade()
    return made


@pytest.fixture
async def book(store: Unsteady) -> AsyncIterator[BudgetBook]:
    made = BudgetBook(store, holder="one", now_s=lambda: NOON_S)
    yield made
    await made.close(5.0)


def _standing(store: BudgetStore, now_s: float = NOON_S) -> Standing:
    day, _ = periods_at(now_s, UTC)
    return store.standing("key:k", day.name)


def _spent(store: BudgetStore) -> tuple[int, int]:
    """Returns what was spent, and what requests under way may spend."""
    standing = _standing(store)
    return standing.spent_tokens, standing.reserved_tokens - standing.free_tokens


async def test_a_refusal_says_what_is_left_and_until_when(book: BudgetBook) -> None:
    await book.reserve([KEY], Amount(0, 900), "v1")
    with pytest.raises(BudgetExceeded, match="100 tokens left and this may use 200") as caught:
        await book.reserve([KEY], Amount(0, 200), "v1")
    assert caught.value.retry_after_s is not None
    assert 3600 < caught.value.retry_after_s <= 86_400
    assert book.counts.refused == {"key:budget": 1}


async def test_a_request_is_given_its_part_without_a_word_to_the_database(
    book: BudgetBook, store: Unsteady
) -> None:
    first = await book.reserve([RICH], Amount(50, 100), "v1")
    store.is_away = True
    second = await book.reserve([RICH], Amount(50, 100), "v1")
    store.is_away = False
    book.settle(first, Amount(5, 10))
    book.settle(second, Amount(6, 11))
    await book.told()
    assert _spent(store) == (21, 0)
    assert _standing(store).free_tokens == 800


async def test_what_was_told_is_written_when_the_wait_is_over(
    book: BudgetBook, store: Unsteady
) -> None:
    for turn in range(1, 6):
        reservation = await book.reserve([RICH], Amount(50, 100), "v1")
        book.note(reservation, Amount(5, 10))
        await book.told()
        assert _standing(store).spent_tokens == 10 * turn


async def test_what_was_secured_is_spent_although_its_replica_is_gone(
    book: BudgetBook, store: Unsteady
) -> None:
    first = await book.reserve([RICH], Amount(50, 100), "v1")
    second = await book.reserve([RICH], Amount(50, 100), "v1")
    store.is_away = True  # as if it were killed before it could tell
    for reservation in (first, second):
        book.note(reservation, Amount(5, 10))
        await book.secured()
    assert _spent(store) == (0, 100)
    assert store.release(["one"]) == 2
    assert store.release(["one"]) == 0
    assert _spent(store) == (20, 0)
    assert _standing(store).reserved_tokens == 0
    store.is_away = False
    await book.told()
    assert _spent(store) == (20, 0)


async def test_where_no_journal_can_be_kept_answers_wait_for_the_database(
    tmp_path: Path, store: Unsteady
) -> None:
    (tmp_path / "control.db-portions").write_text("no folder")
    book = BudgetBook(store, holder="one", now_s=lambda: NOON_S)
    reservation = await book.reserve([RICH], Amount(50, 100), "v1")
    book.note(reservation, Amount(5, 10))
    await book.secured()
    assert _spent(store) == (10, 0)
    await book.close(5.0)


async def test_a_journal_that_was_told_is_removed(tmp_path: Path, store: Unsteady) -> None:
    book = BudgetBook(store, holder="one", now_s=lambda: NOON_S)
    book.settle(await book.reserve([RICH], Amount(50, 100), "v1"), Amount(5, 10))
    assert [path.name for path in (tmp_path / "control.db-portions").iterdir()] == ["one"]
    await book.close(5.0)
    assert list((tmp_path / "control.db-portions").iterdir()) == []
    assert _spent(store) == (10, 0)


async def test_what_is_spent_after_it_was_told_is_added(book: BudgetBook, store: Unsteady) -> None:
    reservation = await book.reserve([RICH], Amount(50, 100), "v1")
    book.note(reservation, Amount(5, 10))
    await book.told()
    book.settle(reservation, Amount(9, 15))
    book.settle(reservation, Amount(9, 15))
    await book.told()
    assert _spent(store) == (15, 0)
    assert book.counts.underestimated == 0


async def test_what_cannot_be_settled_is_settled_when_the_database_is_back(
    book: BudgetBook, store: Unsteady
) -> None:
    reservation = await book.reserve([KEY], Amount(0, 900), "v1")
    store.is_away = True
    book.settle(reservation, Amount(0, 70))
    await book.told()
    with pytest.raises(Unavailable):
        await book.reserve([KEY], Amount(0, 1), "v1")
    store.is_away = False
    await book.beat()
    again = await book.reserve([KEY], Amount(0, 5), "v1")
    assert _spent(store) == (70, 5)
    book.settle(again, Amount(0, 5))


async def test_a_settlement_whose_answer_is_lost_counts_once(
    book: BudgetBook, store: Unsteady
) -> None:
    reservation = await book.reserve([KEY], Amount(0, 900), "v1")
    store.loses_answers = True
    book.settle(reservation, Amount(0, 70))
    await book.told()
    assert _spent(store) == (70, 0)
    store.loses_answers = False
    await book.beat()
    await book.told()
    assert _spent(store) == (70, 0)


async def test_a_grant_whose_answer_is_lost_comes_back(book: BudgetBook, store: Unsteady) -> None:
    store.loses_answers = True
    with pytest.raises(Unavailable):
        await book.reserve([KEY], Amount(0, 900), "v1")
    assert _spent(store) == (0, 900)
    store.loses_answers = False
    await book.reserve([KEY], Amount(0, 800), "v1")
    assert _spent(store) == (0, 800)


async def test_a_client_that_leaves_while_it_waits_holds_nothing(
    book: BudgetBook, store: Unsteady
) -> None:
    await book.reserve([KEY], Amount(0, 1), "v1")
    waiting = asyncio.create_task(book.reserve([KEY], Amount(0, 900), "v1"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await book.told()
    await asyncio.sleep(0)
    await book.reserve([KEY], Amount(0, 950), "v1")
    await book.told()
    assert _spent(store) == (0, 951)


async def test_shares_that_were_reached_are_told(store: Unsteady) -> None:
    told: list[Alert] = []
    book = BudgetBook(store, holder="one", now_s=lambda: NOON_S, on_alert=told.append)
    reservation = await book.reserve([KEY], Amount(0, 900), "v1")
    book.settle(reservation, Amount(0, 850))
    await book.close(5.0)
    assert [(alert.place.subject, alert.percent) for alert in told] == [("key:k", 80)]
    assert book.counts.events()["key:80"] == 1


async def test_a_limit_that_is_lowered_holds_from_the_next_request(
    book: BudgetBook, store: Unsteady
) -> None:
    reservation = await book.reserve([RICH], Amount(0, 100), "v1")
    book.settle(reservation, Amount(0, 100))
    await book.told()
    assert _standing(store).free_tokens > 0
    low = replace(RICH, budgets=Budgets(day_tokens=150, month_picousd=10**15))
    with pytest.raises(BudgetExceeded, match="50 tokens left"):
        await book.reserve([low], Amount(0, 100), "v1")
    await book.told()
    assert _standing(store).free_tokens == 0
    await book.reserve([RICH], Amount(0, 100), "v1")


async def test_a_request_waits_for_what_others_do_not_use(
    book: BudgetBook, store: Unsteady
) -> None:
    budgets = Budgets(day_tokens=8000)
    key = replace(KEY, budgets=budgets)
    other = BudgetBook(store, holder="two", now_s=lambda: NOON_S)
    reservation = await other.reserve([key], Amount(0, 100), "v1")
    assert _standing(store).free_tokens == 800
    waiting = asyncio.create_task(book.reserve([key], Amount(0, 7500), "v1"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await other.beat()
    await other.told()
    await waiting
    assert _standing(store).free_tokens == 0
    other.settle(reservation, Amount(0, 100))
    await other.close(5.0)


async def test_who_does_not_give_back_is_not_waited_for_longer(
    book: BudgetBook, store: Unsteady, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.limits.budget_book._PATIENCE_S", 0.05)
    day, _ = periods_at(NOON_S, UTC)
    [place] = [one for one in book._calendar.places([KEY], NOON_S) if one.period == day.name]
    store.tell([PortionState("stuck", "dead", place, 1, free=Amount(0, 500))])
    with pytest.raises(BudgetExceeded) as caught:
        await book.reserve([KEY], Amount(0, 600), "v1")
    assert caught.value.retry_after_s == 12.0


async def test_a_replica_that_could_not_beat_asks_for_everything(
    book: BudgetBook, store: Unsteady
) -> None:
    reservation = await book.reserve([RICH], Amount(0, 100), "v1")
    book.settle(reservation, Amount(0, 1))
    await book.told()
    assert store.release(["one"]) == 2
    book._portions.hold_until(0.0)
    again = await book.reserve([RICH], Amount(0, 100), "v1")
    assert _spent(store) == (1, 100)
    book.settle(again, Amount(0, 2))
    await book.told()
    assert _spent(store) == (3, 0)


async def test_what_is_settled_after_a_release_is_spent_and_counted(
    book: BudgetBook, store: Unsteady
) -> None:
    reservation = await book.reserve([KEY], Amount(0, 100), "v1")
    store.release(["one"])
    book.settle(reservation, Amount(0, 60))
    await book.told()
    assert _spent(store) == (60, 0)
    assert book.counts.settled_late == 2  # of the day and of the month


async def test_more_than_was_reserved_is_spent_and_counted(
    book: BudgetBook, store: Unsteady
) -> None:
    reservation = await book.reserve([KEY], Amount(0, 100), "v1")
    book.settle(reservation, Amount(0, 160))
    await book.told()
    assert _spent(store) == (160, 0)
    assert book.counts.underestimated == 1


async def test_a_request_is_charged_to_the_day_on_which_it_began(store: Unsteady) -> None:
    now_s = NOON_S
    book = BudgetBook(store, holder="one", now_s=lambda: now_s)
    before = await book.reserve([RICH], Amount(0, 100), "v1")
    now_s += 86_400
    after = await book.reserve([RICH], Amount(0, 100), "v1")
    book.settle(before, Amount(0, 7))
    book.settle(after, Amount(0, 9))
    await book.close(5.0)
    assert _standing(store).spent_tokens == 7
    assert _standing(store, now_s).spent_tokens == 9


async def test_prices_of_two_versions_are_two_portions(book: BudgetBook, store: Unsteady) -> None:
    await book.reserve([RICH], Amount(0, 100), "v1")
    await book.reserve([RICH], Amount(0, 100), "v2")
    with store._reading() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT DISTINCT price_version FROM budget_reservations ORDER BY 1"
        )
        assert [row[0] for row in rows] == ["v1", "v2"]


async def test_a_replica_that_ends_gives_everything_back(store: Unsteady) -> None:
    book = BudgetBook(store, holder="one", now_s=lambda: NOON_S)
    reservation = await book.reserve([RICH], Amount(0, 100), "v1")
    book.settle(reservation, Amount(0, 30))
    await book.close(5.0)
    standing = _standing(store)
    assert (standing.spent_tokens, standing.reserved_tokens) == (30, 0)
    assert not store.holds_any()


async def test_a_budget_that_only_warns_and_is_spent_asks_nobody(
    book: BudgetBook, store: Unsteady
) -> None:
    warns = replace(KEY, budgets=Budgets(day_tokens=100, mode="warn"))
    first = await book.reserve([warns], Amount(0, 150), "v1")
    assert book.counts.warned == 1
    book.settle(first, Amount(0, 120))
    await book.told()
    store.is_away = True
    second = await book.reserve([warns], Amount(0, 150), "v1")
    store.is_away = False
    assert book.counts.warned == 2
    book.settle(second, Amount(0, 10))
    await book.told()
    assert _spent(store) == (130, 0)


async def test_who_has_no_budgets_says_nothing_to_the_database(
    store: Unsteady, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats: list[str] = []

    def beat(holder: str) -> dict[str, int]:
        beats.append(holder)
        return {}

    monkeypatch.setattr(store, "beat", beat)
    book = BudgetBook(store, holder="one")
    book.begin()
    await asyncio.sleep(0.05)
    assert beats == []
    await book.close(1.0)


async def test_a_new_replica_looks_after_what_others_left_behind(store: Unsteady) -> None:
    left = BudgetBook(store, holder="gone", now_s=lambda: NOON_S)
    await left.reserve([KEY], Amount(0, 900), "v1")
    heir = BudgetBook(store, holder="heir", now_s=lambda: NOON_S)
    heir.begin()
    for _ in range(500):
        if "heir" in await asyncio.to_thread(store.beat, "probe"):
            break
        await asyncio.sleep(0.02)
    else:
        pytest.fail("nobody looks")
    await left.close(1.0)
    await heir.close(1.0)


async def test_many_at_once_share_one_transaction(book: BudgetBook, store: Unsteady) -> None:
    async def ask(spends: int) -> Any:
        reservation = await book.reserve([RICH], Amount(0, 100), "v1")
        await asyncio.sleep(0.01)
        book.note(reservation, Amount(0, spends))
        await book.told()

    await asyncio.gather(*(ask(number) for number in range(200)))
    assert _spent(store) == (sum(range(200)), 0)
    assert store.tellings < 100
