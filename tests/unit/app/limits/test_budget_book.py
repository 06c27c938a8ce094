"""Budgets as a replica keeps them: while the database is away, and when a replica is gone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC
from pathlib import Path

import pytest

from app.limits.budget_book import BudgetBook
from app.limits.subjects import Subject
from deployments.access.records import Budgets
from deployments.budgets.contract import Alert, Amount, BudgetOperation, BudgetResult
from deployments.budgets.periods import periods_at
from deployments.budgets.store import BudgetStore
from deployments.contracts.errors import BudgetExceeded, Unavailable

KEY = Subject("key:k", "This key", "t", budgets=Budgets(day_tokens=1000, month_tokens=5000))
NOON_S = 1_796_040_000.0


class Unsteady(BudgetStore):
    """A database that is away as long as a test says so."""

    is_away = False

    def run(self, operations: Sequence[BudgetOperation]) -> list[BudgetResult]:
        if self.is_away:
            raise Unavailable("It does not answer.", "control")
        return super().run(operations)


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


def _spent(store: BudgetStore) -> tuple[int, int]:

    day, _ = periods_at(NOON_S, UTC)
    standing = store.standing("key:k", day.name)
    return standing.spent_tokens, standing.reserved_tokens


async def test_a_refusal_says_what_is_left_and_until_when(book: BudgetBook) -> None:
    await book.reserve([KEY], Amount(0, 900), "v1")
    with pytest.raises(BudgetExceeded, match="100 tokens left and this may use 200") as caught:
        await book.reserve([KEY], Amount(0, 200), "v1")
    assert caught.value.retry_after_s is not None
    assert 0 < caught.value.retry_after_s <= 86_400
    assert book.counts.refused == {"key:budget": 1}


async def test_what_cannot_be_settled_is_settled_when_the_database_is_back(
    book: BudgetBook, store: Unsteady
) -> None:
    reservation = await book.reserve([KEY], Amount(0, 900), "v1")
    store.is_away = True
    book.settle(reservation, Amount(0, 70))
    with pytest.raises(Unavailable):
        await book.reserve([KEY], Amount(0, 1), "v1")
    store.is_away = False
    await book.beat()
    again = await book.reserve([KEY], Amount(0, 5), "v1")
    assert _spent(store) == (70, 5)
    book.settle(again, Amount(0, 5))


async def test_a_client_that_leaves_while_it_waits_holds_nothing(
    book: BudgetBook, store: Unsteady
) -> None:
    await book.reserve([KEY], Amount(0, 1), "v1")
    waiting = asyncio.create_task(book.reserve([KEY], Amount(0, 900), "v1"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await book.reserve([KEY], Amount(0, 2), "v1")
    assert _spent(store) == (0, 3)


async def test_shares_that_were_reached_are_told(store: Unsteady) -> None:
    told: list[Alert] = []
    book = BudgetBook(store, holder="one", now_s=lambda: NOON_S, on_alert=told.append)
    reservation = await book.reserve([KEY], Amount(0, 900), "v1")
    book.settle(reservation, Amount(0, 850))
    await book.close(5.0)
    assert [(alert.place.subject, alert.percent) for alert in told] == [("key:k", 80)]
    assert book.counts.events()["key:80"] == 1


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
