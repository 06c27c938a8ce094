"""Both clients against the application: the same calls give the same values."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ragserve.client import (
    AsyncClient,
    AuthenticationError,
    Citation,
    Client,
    DeltaEvent,
    NotFoundError,
    QueryResponse,
    SourcesEvent,
    UnprocessableError,
    UploadProgress,
)

DOCUMENTS: list[Any] = [
    {"id": "paris", "path": "geo/paris.md", "text": "Paris is the capital of France."},
    {"id": "tokyo", "path": "geo/tokyo.md", "text": "Tokyo is the capital of Japan."},
]
QUESTION = "What is the capital of France?"


class Waiting:
    """The client for asyncio, called as the one that blocks, so that one test is for both."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = AsyncClient(url)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            return self._loop.run_until_complete(getattr(self._client, name)(*args, **options))

        return call

    def list_documents(self, **options: Any) -> Any:
        async def read() -> list[Any]:
            return [document async for document in self._client.list_documents(**options)]

        return self._loop.run_until_complete(read())

    def streamed(self, query: str) -> Any:
        async def read() -> list[Any]:
            async with self._client.stream_query(query) as events:
                return [event async for event in events]

        return self._loop.run_until_complete(read())

    def close(self) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.close()


class Blocking(Client):
    def streamed(self, query: str) -> Any:
        with self.stream_query(query) as events:
            return list(events)


@pytest.fixture(params=[Blocking, Waiting], ids=["blocks", "awaits"])
def client(url: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    client = request.param(url)
    client.add_texts(DOCUMENTS)
    yield client
    client.close()


def test_a_question_is_answered(client: Any) -> None:
    answer = client.query(QUESTION, top_n=2, filter={"path": "geo/paris.md"})
    assert isinstance(answer, QueryResponse)
    assert [source.document_id for source in answer.sources] == ["paris"]
    assert "Paris" in answer.answer


def test_a_stream_ends_with_what_the_whole_answer_is(client: Any) -> None:
    events = client.streamed(QUESTION)
    assert isinstance(events[0], SourcesEvent)
    assert {type(event) for event in events} == {
        *(SourcesEvent, DeltaEvent, Citation, QueryResponse)
    }
    whole, asked = events[-1], client.query(QUESTION)
    assert whole.answer == asked.answer
    assert whole.sources == asked.sources
    assert "".join(event.text for event in events if isinstance(event, DeltaEvent)) == whole.answer


def test_questions_of_a_batch_have_their_own_options(client: Any) -> None:
    answers = client.query_batch([QUESTION, {"query": "Which is Japan's?", "top_n": 1}])
    assert [item.index for item in answers.results] == [0, 1]
    assert len(answers.results[1].answer.sources) == 1


def test_chunks_are_found(client: Any) -> None:
    found = client.search(QUESTION, top_n=1)
    assert found.results[0].document_id == "paris"


def test_documents_are_listed_page_by_page_looked_up_and_deleted(client: Any) -> None:
    client.add_texts([{"id": "short-lived", "text": "A note."}])
    listed = [document.id for document in client.list_documents(page=1)]
    assert {"paris", "tokyo", "short-lived"} <= set(listed)
    assert len(listed) == len(set(listed))
    assert client.get_document("short-lived").chunk_count == 1
    assert client.delete_document("short-lived").deleted
    with pytest.raises(NotFoundError):
        client.get_document("short-lived")


def test_files_are_uploaded_with_a_look_at_how_far_it_is(client: Any, tmp_path: Path) -> None:
    file = tmp_path / "note.md"
    file.write_text("# Note\n\nA note of a file.")
    seen: list[UploadProgress] = []
    done = client.add_files(
        [file, ("other/name.md", b"Another note.")],
        metadata={"team": "platform"},
        acl=["board"],
        on_progress=seen.append,
    )
    assert {outcome.path for outcome in done.outcomes} == {file.as_posix(), "other/name.md"}
    assert done.added + done.unchanged == 2
    total = len(file.read_bytes()) + len(b"Another note.")
    assert seen == [UploadProgress(2, 2, total, total)]
    known = client.get_document(done.outcomes[0].document_id)
    assert (known.metadata, known.acl) == ({"team": "platform"}, ["board"])


def test_the_stages_answer_on_their_own(client: Any) -> None:
    assert len(client.embed(["one", "two"]).data) == 2
    ranked = client.rerank("Paris", ["Paris", "Rome"], top_n=1, return_documents=True)
    assert ranked.results[0].document.text == "Paris"
    assert "ragserve" in [model.id for model in client.models()]
    assert client.live().status == "ok"


def test_not_being_ready_is_an_answer(client: Any) -> None:
    assert client.health().status in ("ready", "not_ready")


def test_a_refusal_names_what_is_wrong(client: Any) -> None:
    with pytest.raises(UnprocessableError) as caught:
        client.query(QUESTION, top_n=0)
    error = caught.value
    assert (error.status, error.code, error.param) == (422, "invalid_request", "top_n")
    assert [field.field for field in error.fields] == ["top_n"]
    assert len(error.request_id) == 32


def test_paths_without_a_method_are_asked_as_they_are(client: Any) -> None:
    assert client.request("GET", "/health/live") == {"status": "ok"}
    with pytest.raises(AuthenticationError):
        client.request("GET", "/admin/releases")
