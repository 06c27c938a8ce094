"""A keeper's store on every kind of database that can be had here."""

from collections.abc import Callable, Iterator

import pytest

from deployments.batches.contract import BatchRequest, Submitter
from deployments.batches.parsing import jsonl_of_text, parse_file
from deployments.batches.work import WorkStore
from deployments.control.config import BatchArgs
from tests.unit.deployments.control.conftest import postgresql_url, url  # noqa: F401

OpenStore = Callable[..., WorkStore]


@pytest.fixture
def open_work(url: str) -> Iterator[OpenStore]:  # noqa: F811
    """Opens the same database again and again, as processes would."""
    opened: list[WorkStore] = []

    def make(**args: float) -> WorkStore:
        opened.append(WorkStore(url, BatchArgs.model_validate(args)))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def work(open_work: OpenStore) -> WorkStore:
    """A store with tables and nothing in them."""
    store = open_work()
    store.upgrade()
    return store


def begin(store: WorkStore, lines: int, *, owner: str = "", now_s: float = 0.0) -> str:
    """Begins a batch of so many questions, and returns its id."""
    text = "\n".join(f"What is {number}?" for number in range(lines))
    content = jsonl_of_text(text, "/v1/query")
    file = store.keep(f"{lines}.jsonl", content, owner=owner, now_s=now_s)
    parsed = parse_file(content, "", max_lines=1000, max_line_bytes=10_000)
    request = BatchRequest(file.id, "", "24h", 86_400.0, Submitter(owner))
    return store.create(request, parsed, now_s=now_s).id
