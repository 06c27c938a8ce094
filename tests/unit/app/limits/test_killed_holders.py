"""Replicas that are killed while they answer: what they answered is spent, and what they held is
free again."""

import asyncio
import multiprocessing
import os
import random
import signal
from dataclasses import dataclass
from datetime import UTC
from multiprocessing.connection import Connection
from typing import Any

import pytest

from app.limits.budget_book import BudgetBook
from app.limits.subjects import Subject
from deployments.access.records import Budgets
from deployments.budgets.contract import Amount
from deployments.budgets.periods import periods_at
from deployments.budgets.store import BudgetStore
from deployments.contracts.errors import BudgetExceeded
from tests.unit.deployments.control.conftest import postgresql_url, url  # noqa: F401

CONTEXT = multiprocessing.get_context("spawn")
NOON_S = 1_796_040_000.0
CLIENTS = 8
MOST_TOKENS = 500
ANSWERS = 150


def _noon() -> float:
    return NOON_S


def _answer(url: str, holder: str, limit: int, answers: Connection, ends: Any) -> None:  # noqa: F811
    """Answers until it is told to end, or refused: says of each answer what it used."""

    async def client(book: BudgetBook, chance: random.Random) -> None:
        while not ends.is_set():
            try:
                reservation = await book.reserve([subject], Amount(0, MOST_TOKENS), "v1")
            except BudgetExceeded:
                answers.send(0)
                return
            await asyncio.sleep(chance.random() * 0.005)
            used = chance.randint(100, MOST_TOKENS)
            book.note(reservation, Amount(0, used))
            await book.secured()
            answers.send(used)

    async def work() -> None:
        book = BudgetBook(BudgetStore(url), holder=holder, now_s=_noon)
        chance = random.Random(holder)
        await asyncio.gather(*(client(book, chance) for _ in range(CLIENTS)))
        await book.close(20.0)

    subject = Subject("key:k", "This key", "t", budgets=Budgets(month_tokens=limit))
    asyncio.run(work())
    answers.close()


@dataclass
class Replica:
    """A process, and what its clients have got."""

    process: Any
    answers: Connection
    count: int = 0
    tokens: int = 0

    def read(self, count: int) -> None:
        """Waits for so many answers more."""
        for _ in range(count):
            assert self.answers.poll(60)
            self._take()

    def read_all(self) -> None:
        """Waits for its end."""
        try:
            while self.answers.poll(60):
                self._take()
        except EOFError:
            self.process.join(60)

    def _take(self) -> None:
        self.tokens += self.answers.recv()
        self.count += 1


def _start(url: str, holder: str, limit: int, ends: Any) -> Replica:  # noqa: F811
    reading, writing = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_answer, args=(url, holder, limit, writing, ends), daemon=True)
    process.start()
    writing.close()
    return Replica(process, reading)


@pytest.fixture
def store(url: str) -> BudgetStore:  # noqa: F811
    made = BudgetStore(url)
    made.upgrade()
    return made


def test_what_a_killed_replica_answered_is_spent_and_what_it_held_comes_back(
    store: BudgetStore,
    url: str,  # noqa: F811
) -> None:
    ends = CONTEXT.Event()
    killed, lives = (_start(url, name, 10**9, ends) for name in ("killed", "lives"))
    killed.read(ANSWERS)
    lives.read(ANSWERS)
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.read_all()
    lives.read(ANSWERS)
    ends.set()
    lives.read_all()
    _, month = periods_at(NOON_S, UTC)
    assert store.standing("key:k", month.name).reserved_tokens > 0
    assert store.release(["killed"]) == 1
    standing = store.standing("key:k", month.name)
    answered = killed.tokens + lives.tokens
    # What was written and did not get out any more is of one answer for each of its clients.
    assert answered <= standing.spent_tokens <= answered + CLIENTS * MOST_TOKENS
    assert (standing.reserved_tokens, standing.free_tokens) == (0, 0)
    store.close()


def test_several_replicas_spend_a_budget_to_its_end_and_no_further(
    store: BudgetStore,
    url: str,  # noqa: F811
) -> None:
    limit = 100_000
    ends = CONTEXT.Event()
    replicas = [_start(url, f"r{number}", limit, ends) for number in range(3)]
    for replica in replicas:
        replica.read_all()
    _, month = periods_at(NOON_S, UTC)
    standing = store.standing("key:k", month.name)
    assert standing.spent_tokens == sum(replica.tokens for replica in replicas)
    assert limit - MOST_TOKENS < standing.spent_tokens <= limit
    assert standing.reserved_tokens == 0
    store.close()
