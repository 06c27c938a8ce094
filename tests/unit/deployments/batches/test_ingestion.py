"""Ingestions in the database: each document has one result, and its bytes go with it."""

import json
from collections.abc import Callable, Iterator

import pytest

from deployments.batches.contract import Line, LineResult, PutOff, Submitter, Work, WorkReport
from deployments.batches.ingestion import (
    IngestionRequest,
    Source,
    SourceLine,
    SourceResult,
)
from deployments.batches.ingestion_store import IngestionStore
from deployments.contracts.errors import Conflict, InvalidRequest, MalformedRequest, NotFound
from deployments.control.config import BatchArgs
from tests.unit.deployments.batches.conftest import begin
from tests.unit.deployments.control.conftest import postgresql_url, url  # noqa: F401

OpenStore = Callable[..., IngestionStore]
READ = SourceResult("added", "doc_1", 3, warnings=["a picture"])


@pytest.fixture
def open_store(url: str) -> Iterator[OpenStore]:  # noqa: F811
    opened: list[IngestionStore] = []

    def make(**args: float) -> IngestionStore:
        opened.append(IngestionStore(url, BatchArgs.model_validate(args)))
        opened[-1].upgrade()
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: OpenStore) -> IngestionStore:
    return open_store()


def ingest(store: IngestionStore, *contents: bytes, owner: str = "", window_s: float = 100) -> str:
    files = [Source(f"{place}.md", content) for place, content in enumerate(contents)]
    request = IngestionRequest(Submitter(owner), window_s, files)
    return store.begin_ingestion(request, now_s=0.0).id


def ask(store: IngestionStore, wants: int = 0, *, now_s: float = 1.0, **told: object) -> Work:
    return store.exchange(WorkReport("one", wants=wants, **told), now_s=now_s)  # type: ignore[arg-type]


def content_of(store: IngestionStore, line: Line) -> bytes:
    source = SourceLine.of(line.body)
    content = b""
    while len(content) < source.size_bytes:
        place = source.offset + len(content)
        piece = store.read(source.file_id, place, owner=line.submitter.owner).content
        assert piece
        content += piece
    return content


def states(store: IngestionStore, ingestion_id: str, *, now_s: float = 2.0) -> list[str]:
    found = store.sources(ingestion_id, after=-1, limit=100, owner=None, now_s=now_s)
    return [one.state for one in found]


def test_documents_are_given_with_their_bytes_and_end_one_by_one(store: IngestionStore) -> None:
    large = bytes(range(256)) * 10_000  # several pieces
    number = ingest(store, large, b"", b"last")
    lines = ask(store, 2).lines
    assert states(store, number) == ["reading", "reading", "waiting"]
    assert [content_of(store, line) for line in lines] == [large, b""]
    result = LineResult(lines[0].key, READ.written(), failed=False)
    broken = LineResult(lines[1].key, SourceResult("failed", message="empty").written(), True)
    [last] = ask(store, 1, results=[result, broken]).lines
    assert states(store, number) == ["added", "failed", "reading"]
    assert store.read(SourceLine.of(lines[0].body).file_id, 0, owner="").content == b""
    assert content_of(store, last) == b"last"
    first, second, _ = store.sources(number, after=-1, limit=3, owner="", now_s=2.0)
    assert (first.name, first.document_id, first.chunk_count) == ("0.md", "doc_1", 3)
    assert (first.warnings, second.message) == (["a picture"], "empty")
    ask(store, results=[LineResult(last.key, READ.written(), failed=False)])
    batch = store.batch(number, owner="")
    assert (batch.status, batch.completed, batch.failed) == ("completed", 2, 1)
    assert (batch.output_file_id, batch.error_file_id) == (None, None)
    with pytest.raises(NotFound):
        store.file(batch.input_file_id, owner=None)


def test_pages_of_documents(store: IngestionStore) -> None:
    number = ingest(store, *[b"x"] * 5)
    page = store.sources(number, after=1, limit=2, owner=None, now_s=0.0)
    assert [one.place for one in page] == [2, 3]


def test_what_is_put_off_waits_and_says_how_often(store: IngestionStore) -> None:
    number = ingest(store, b"x")
    [line] = ask(store, 1).lines
    ask(store, put_off=[PutOff(line.key, 30.0)])
    [status] = store.sources(number, after=-1, limit=1, owner=None, now_s=2.0)
    assert (status.state, status.tries) == ("waiting", 1)
    [again] = ask(store, 1, now_s=40.0).lines
    assert content_of(store, again) == b"x"


def test_a_document_whose_reader_died_goes_to_another(store: IngestionStore) -> None:
    number = ingest(store, b"x")
    ask(store, 1, now_s=0.0)
    assert states(store, number, now_s=16.0) == ["waiting"]
    other = WorkReport("other", wants=1)
    [line] = store.exchange(other, now_s=16.0).lines
    assert content_of(store, line) == b"x"


def test_cancelling_keeps_what_was_read_and_drops_the_bytes(store: IngestionStore) -> None:
    number = ingest(store, b"one", b"two")
    [line] = ask(store, 1).lines
    assert store.cancel(number, owner="", now_s=1.0).status == "cancelling"
    ask(store, results=[LineResult(line.key, READ.written(), failed=False)])
    batch = store.batch(number, owner="")
    assert (batch.status, batch.completed) == ("cancelled", 1)
    assert states(store, number) == ["added", "cancelled"]
    with pytest.raises(NotFound):
        store.file(batch.input_file_id, owner=None)


def test_what_is_not_read_in_time_is_given_up(store: IngestionStore) -> None:
    number = ingest(store, b"one", window_s=10)
    assert store.sweep(now_s=11.0) == 1
    assert store.batch(number, owner="").status == "expired"
    [status] = store.sources(number, after=-1, limit=1, owner="", now_s=11.0)
    assert status.state == "failed"
    assert "time" in status.message


def test_json_documents_come_one_by_one_with_what_stands_beside_them(
    store: IngestionStore,
) -> None:
    documents = [{"path": "a.md", "text": "A\ud800"}, {"id": "b", "text": "B"}, 7]
    body = json.dumps({"documents": documents, "more": 1}).encode()
    number = store.begin_ingestion(IngestionRequest(Submitter(), 9.0, (), body), now_s=0.0).id
    lines = ask(store, 5).lines
    assert [line.custom_id for line in lines] == ["a.md", "b", "documents[2]"]
    assert [json.loads(content_of(store, line)) for line in lines] == [
        {"more": 1, "documents": [document]} for document in documents
    ]
    assert store.batch(number, owner="").total == 3


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", MalformedRequest),
        (b"[]", InvalidRequest),
        (b'{"documents": []}', InvalidRequest),
        (b'{"documents": "x"}', InvalidRequest),
        (json.dumps({"documents": [{}] * 1001}).encode(), InvalidRequest),
    ],
)
def test_a_body_without_documents_begins_nothing(
    store: IngestionStore, body: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        store.begin_ingestion(IngestionRequest(Submitter(), 9.0, (), body), now_s=0.0)
    assert store.batches("ingestions", after=None, limit=9, owner=None) == []


def test_ingestions_and_batches_are_apart(store: IngestionStore) -> None:
    number = ingest(store, b"x", owner="alice")
    other = begin(store, 1, owner="alice")
    of_kind = [
        [one.id for one in store.batches(kind, after=None, limit=9, owner="alice")]
        for kind in ("requests", "ingestions")
    ]
    assert of_kind == [[other], [number]]
    assert [file.purpose for file in store.files(None, after=None, limit=9, owner=None)] == [
        "batch"
    ]


def test_of_somebody_else_nothing_is_seen(store: IngestionStore) -> None:
    number = ingest(store, b"x", owner="alice")
    assert store.batches("ingestions", after=None, limit=9, owner="bob") == []
    with pytest.raises(NotFound):
        store.sources(number, after=-1, limit=9, owner="bob", now_s=0.0)
    with pytest.raises(NotFound):
        store.cancel(number, owner="bob", now_s=0.0)


def test_an_erased_tenant_leaves_no_bytes(store: IngestionStore) -> None:
    number = ingest(store, b"x", owner="acme/key_1")
    file_id = store.batch(number, owner=None).input_file_id
    while not store.erase("acme").is_done:
        pass
    with pytest.raises(NotFound):
        store.batch(number, owner=None)
    with pytest.raises(NotFound):
        store.read(file_id, 0, owner=None)


def test_there_is_a_bound_on_what_waits(open_store: OpenStore) -> None:
    small = open_store(max_kept_bytes=2000)
    number = ingest(small, b"x" * 1500)
    with pytest.raises(Conflict):
        ingest(small, b"y" * 1000)
    [line] = ask(small, 1).lines
    ask(small, results=[LineResult(line.key, READ.written(), failed=False)])
    assert small.batch(number, owner="").status == "completed"
    ingest(small, b"y" * 1000)


def test_old_ones_are_forgotten(store: IngestionStore) -> None:
    number = ingest(store, b"x")
    [line] = ask(store, 1).lines
    ask(store, results=[LineResult(line.key, READ.written(), failed=False)])
    assert store.forget(now_s=40 * 86_400.0) == 1
    with pytest.raises(NotFound):
        store.batch(number, owner=None)
