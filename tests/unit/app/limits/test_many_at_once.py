"""One limit, asked by several connections at once, on the clock of the wall."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.limits.stores.gcra import cost_us
from app.limits.stores.operations import Lease, Move, Operation, Store
from app.limits.stores.redis_store import RedisStore
from app.limits.stores.sqlite_store import SqliteStore

LIMIT = 60
PLACES = 7


@pytest.fixture(params=["sqlite", "redis"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Opens one more connection to the same store."""
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "limits.db")
    url = request.getfixturevalue("redis_url")
    return lambda: RedisStore(url)


def _ask(open_store: Callable[[], Store], operation: Callable[[str], Operation]) -> int:
    """Returns how many of a hundred operations pass, of four connections together."""
    passed: list[bool] = []

    def ask(number: int) -> None:
        store = open_store()
        for turn in range(5):
            asked = [operation(f"{number}-{turn}-{place}") for place in range(5)]
            passed.extend(decision.passed for decision in store.run(asked))
        store.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(passed) == 100
    return sum(passed)


def test_a_rate_is_exact(open_store: Callable[[], Store]) -> None:
    began_s = time.monotonic()
    admitted = _ask(open_store, lambda _: Operation(moves=(Move("b", cost_us(1, LIMIT)),)))
    elapsed_s = time.monotonic() - began_s
    assert LIMIT <= admitted <= LIMIT * (1 + elapsed_s / 60)


def test_places_are_exact(open_store: Callable[[], Store]) -> None:
    admitted = _ask(
        open_store, lambda member: Operation(leases=(Lease("l", member, PLACES, 60_000_000),))
    )
    assert admitted == PLACES
