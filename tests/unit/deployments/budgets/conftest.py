"""Budgets on every kind of database that can be had here."""

from collections.abc import Iterator

import pytest

from deployments.budgets.store import BudgetStore
from tests.unit.deployments.control.conftest import postgresql_url, url  # noqa: F401


@pytest.fixture
def store(url: str) -> Iterator[BudgetStore]:  # noqa: F811
    """A store with its tables."""
    made = BudgetStore(url)
    made.upgrade()
    yield made
    made.close()
