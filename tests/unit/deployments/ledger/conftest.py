"""A ledger on every kind of database that can be had here."""

from collections.abc import Callable, Iterator

import pytest

from deployments.ledger.store import Ledger
from tests.unit.deployments.control.conftest import postgresql_url, url  # noqa: F401

OpenLedger = Callable[[], Ledger]


@pytest.fixture
def open_ledger(url: str) -> Iterator[OpenLedger]:  # noqa: F811
    """Opens the same database again and again, as processes would."""
    opened: list[Ledger] = []

    def make() -> Ledger:
        opened.append(Ledger(url))
        return opened[-1]

    yield make
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(open_ledger: OpenLedger) -> Ledger:
    """A ledger with tables and nothing in them."""
    ledger = open_ledger()
    ledger.upgrade()
    return ledger
