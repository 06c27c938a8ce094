"""The client for asyncio: `app.client.client` with `await`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx
from httpx_sse import EventSource, SSEError
from tenacity import AsyncRetrying

from app.client import calls
from app.client.batches import AsyncBatches
from app.client.calls import (
    BatchQuestion,
    Call,
    FeedbackOptions,
    Method,
    SearchOptions,
    TurnOptions,
    UsageOptions,
)
from app.client.carrier import make_async_carrier
from app.client.connection import make_connection
from app.client.ingestions import AsyncIngestions
from app.client.replies import event_data, not_ours, problem_error, translated
from app.client.retries import Repeat, Retries
from app.client.stream_events import AnswerReader, StreamEvent
from app.client.uploads import File, OnProgress, Scalar, TextDocument, Upload, merged, text_calls
from app.schemas.answers import BatchResponse, QueryResponse, SearchResponse
from app.schemas.documents import DeletedDocument, DocumentInfo, DocumentsResponse
from app.schemas.feedback import FeedbackInfo
from app.schemas.health import Liveness, Readiness
from app.schemas.models import EmbeddingsResponse, Model, RerankResponse
from app.schemas.usage import UsageReport
from deployments.activity import Dimension
from deployments.contracts.search import InputType

T = TypeVar("T")


class AsyncClient:
    """Speaks to a running service over one pool of connections, in one event loop.

    Every method raises an `ApiError` where there is no answer: an `ApiStatusError` where the
    service refused, an `ApiConnectionError` where it could not be reached.

    Args:
        url: Address of the service; by default that of RAGSERVE_URL, or this machine's. One that
            begins with `grpc://` or `grpcs://` has questions, searches and documents go over gRPC.
        api_key: Sent with every request; by https only, or to this machine.
        timeout_s: Time of one request, and between two pieces of a stream. Writes of documents
            have ten minutes.
        retries: How calls are repeated.
        http_client: Carries the requests, for a proxy or certificates of your own; yours to close.

    Raises:
        ValueError: the address is none, or the key would travel to it in the clear.
        ImportError: the address is one of gRPC, which is not installed.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str = "",
        timeout_s: float = 60.0,
        retries: Retries | None = None,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        self._connection = make_connection(url, api_key, timeout_s, retries)
        self._carrier = make_async_carrier(self._connection, http_client)

    @property
    def batches(self) -> AsyncBatches:
        """Batches of work: many requests in one file."""
        return AsyncBatches(self._send, self._bytes)

    @property
    def ingestions(self) -> AsyncIngestions:
        """Documents that the service reads after it has answered."""
        return AsyncIngestions(self._send)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self._carrier.close()

    async def query(self, query: str, **options: Unpack[TurnOptions]) -> QueryResponse:
        """Returns the answer to a question, with its sources."""
        return await self._send(calls.query(query, options))

    @asynccontextmanager
    async def stream_query(
        self, query: str, **options: Unpack[TurnOptions]
    ) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """Gives the answer while it is written: a SourcesEvent, a DeltaEvent for each piece of the
        text and a Citation for each stretch of it, and in the end the whole QueryResponse.

        Nothing is repeated once the answer has begun.
        """
        reader = AnswerReader()

        async def typed(
            events: AsyncIterator[tuple[str, dict[str, Any]]],
        ) -> AsyncIterator[StreamEvent]:
            async for name, data in events:
                event = reader.read(name, data)
                if event is not None:
                    yield event
            reader.end()

        async with aclosing(self.stream(calls.QUERY_PATH, {"query": query, **options})) as events:
            yield typed(events)

    async def query_batch(self, questions: Iterable[str | BatchQuestion]) -> BatchResponse:
        """Returns what became of up to 64 questions, each an answer or a problem."""
        return await self._send(calls.query_batch(questions))

    async def search(self, query: str, **options: Unpack[SearchOptions]) -> SearchResponse:
        """Returns the chunks that fit a question best."""
        return await self._send(calls.search(query, options))

    async def add_files(
        self,
        files: Sequence[File],
        *,
        metadata: Mapping[str, Scalar] | None = None,
        acl: Sequence[str] | None = None,
        on_progress: OnProgress | None = None,
    ) -> DocumentsResponse:
        """Uploads files, which the service reads, and returns what became of each; one that fails
        does not stop the others. `acl` names the groups that may read them.

        Raises:
            OSError: a file cannot be read here.
        """
        upload = Upload(files, metadata, acl, on_progress)
        batches = upload.calls()
        # In a thread, as files are read on the way.
        while call := await asyncio.to_thread(next, batches, None):
            upload.note(call, await self._send(call))
        return upload.answer()

    async def add_texts(self, documents: Iterable[str | TextDocument]) -> DocumentsResponse:
        """Writes texts, in Markdown or plain, and returns what became of each."""
        return merged([await self._send(call) for call in text_calls(documents)])

    async def list_documents(self, *, page: int = 1000) -> AsyncIterator[DocumentInfo]:
        """Yields what the index knows of each document, in order of arrival, asking for so many at
        once."""
        cursor: str | None = None
        while True:
            found = await self._send(calls.list_documents(cursor, page))
            for document in found.documents:
                yield document
            cursor = found.next_cursor
            if cursor is None:
                return

    async def get_document(self, document_id: str) -> DocumentInfo:
        """Returns what the index knows of a document."""
        return await self._send(calls.get_document(document_id))

    async def delete_document(self, document_id: str) -> DeletedDocument:
        """Takes a document out of every index."""
        return await self._send(calls.delete_document(document_id))

    async def embed(
        self,
        texts: str | Sequence[str],
        *,
        input_type: InputType = "document",
        model: str = "ragserve",
    ) -> EmbeddingsResponse:
        """Returns the vectors of texts, L2-normalised."""
        return await self._send(calls.embed(texts, input_type, model))

    async def rerank(
        self,
        query: str,
        documents: Sequence[str],
        *,
        top_n: int | None = None,
        return_documents: bool = False,
        model: str = "ragserve",
    ) -> RerankResponse:
        """Returns texts by descending relevance to a query."""
        return await self._send(calls.rerank(query, documents, top_n, return_documents, model))

    async def models(self) -> list[Model]:
        """Returns what a request may name as its model."""
        return await self._send(calls.models())

    async def usage(
        self, by: Sequence[Dimension] = ("day",), **options: Unpack[UsageOptions]
    ) -> UsageReport:
        """Returns requests, tokens and cost of the key, or of all with the operators' key."""
        return await self._send(calls.usage(by, options))

    async def feedback(self, request_id: str, **options: Unpack[FeedbackOptions]) -> FeedbackInfo:
        """Says what somebody thinks of an answer, by the `request_id` that it has."""
        return await self._send(calls.feedback(request_id, options))

    async def health(self) -> Readiness:
        """Returns whether questions can be answered, and what is missing if not."""
        return await self._send(calls.health())

    async def live(self) -> Liveness:
        """Returns that the gateway's process answers."""
        return await self._send(calls.live())

    async def request(
        self,
        method: Method,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        repeat: Repeat = "unsent",
    ) -> dict[str, Any]:
        """Returns the answer of a path that has no method here, such as those for operators, as it
        came. `repeat="always"` where the call may come twice."""
        return await self._send(calls.raw(method, path, body, repeat))

    async def stream(
        self, path: str, body: Mapping[str, Any]
    ) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
        """Yields the events of a streamed answer by name, as they came; the one that says that it
        broke off is raised."""
        call = calls.raw("POST", path, {**body, "stream": True}, "always")
        response = await self._repeat(call, stream=True)
        async with aclosing(response):
            with translated(self._connection.url):
                try:
                    async for event in EventSource(response).aiter_sse():
                        data = event_data(event.data)
                        if event.event == "error":
                            raise problem_error(data)
                        yield event.event, data
                except SSEError as error:
                    raise not_ours(self._connection.url) from error

    async def _bytes(self, call: Call[Any]) -> AsyncGenerator[bytes, None]:
        """Yields the bytes of an answer as they come."""
        response = await self._repeat(call, stream=True)
        async with aclosing(response):
            with translated(self._connection.url):
                async for piece in response.aiter_bytes():
                    yield piece

    async def _send(self, call: Call[T]) -> T:
        return call.parse(await self._repeat(call))

    async def _repeat(self, call: Call[Any], *, stream: bool = False) -> httpx.Response:
        """Returns an answer that is no error; repeats the call as the retries say."""
        retrying = AsyncRetrying(**self._connection.retries.rules(call.repeat))
        return await retrying(self._once, call, stream)

    async def _once(self, call: Call[Any], stream: bool) -> httpx.Response:
        response = await self._carrier.send(call, stream=stream)
        self._connection.check(response, call)
        return response
