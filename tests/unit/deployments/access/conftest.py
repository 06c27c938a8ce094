"""Keys on every kind of database that can be had here."""

from collections.abc import Callable, Iterator

import pytest

from deployments.access.secrets import Peppers
from deployments.access.store import AccessStore
from tests.unit.deployments.control.conftest import postgresql_url, url  # noqa: F401

PEPPER = "p" * 32
OpenStore = Callable[..., AccessStore]


class Clock:
    """Seconds since the epoch, which a test moves."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_store(url: str, clock: Clock) -> Iterator[OpenStore]:  # noqa: F811
    """Opens the same database again and again, as replicas do."""
    opened: list[AccessStore] = []

    def make(peppers: str = PEPPER) -> AccessStore:
        opened.append(AccessStore(url, Peppers.parse(peppers), clock))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: OpenStore) -> AccessStore:
    """A store with tables and the tenant `default`."""
    store = open_store()
    store.upgrade()
    return store
