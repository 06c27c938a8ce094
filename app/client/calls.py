"""One call to the service for each thing that it does: what is sent, how the answer is read, and
whether it may be repeated. Nothing here waits, so that clients which block and clients which do not
are made of the same calls."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Required, TypedDict, TypeVar
from urllib.parse import quote

import httpx
from pydantic import JsonValue

from app.client.replies import json_of, read_as
from app.client.retries import Repeat
from app.schemas.answers import BatchResponse, QueryResponse, SearchResponse
from app.schemas.documents import (
    DeletedDocument,
    DocumentInfo,
    DocumentList,
    DocumentsResponse,
)
from app.schemas.feedback import FeedbackInfo
from app.schemas.health import Liveness, Readiness
from app.schemas.models import EmbeddingsResponse, Model, ModelList, RerankResponse
from app.schemas.usage import UsageReport
from deployments.activity import Dimension
from deployments.contracts.search import InputType, SearchMode

T = TypeVar("T")
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
QUERY_PATH = "/v1/query"
_NOT_READY = 503
WRITE_TIMEOUT_S = 610.0
"""A write of documents may take ten minutes; the service gives up before its client does."""


class SearchOptions(TypedDict, total=False):
    """What a question may say beside its words; the fields of `app.schemas.answers.SearchRequest`.
    What is left out is decided by the release that answers."""

    queries: Sequence[str]
    mode: SearchMode
    top_k: int
    top_n: int
    rerank: bool
    filter: Mapping[str, JsonValue]
    session_id: str
    user: str


class QueryOptions(SearchOptions, total=False):
    """The same of a question to answer, and how the answer is written; what the generator cannot
    honour is refused by name."""

    max_tokens: int
    min_tokens: int
    temperature: float
    top_p: float
    min_p: float
    presence_penalty: float
    frequency_penalty: float
    repetition_penalty: float
    seed: int
    stop: str | Sequence[str]
    ignore_eos: bool
    logit_bias: Mapping[int, float]
    structured_outputs: Mapping[str, JsonValue]
    cache: Mapping[str, bool]


class TurnOptions(QueryOptions, total=False):
    """The same of a question that may be a turn of a kept conversation."""

    conversation_id: str
    store: bool


class BatchQuestion(QueryOptions):
    """A question of a batch."""

    query: Required[str]


class UsageOptions(TypedDict, total=False):
    """Which usage is asked for; days are of the form 2026-11-30, in UTC."""

    first_day: str
    last_day: str
    key: str
    release: str
    model: str


class FeedbackOptions(TypedDict, total=False):
    """What is said of an answer: a `thumb` or a `score` from 0 to 1, and why; the fields of
    `app.schemas.feedback.FeedbackCreate`."""

    thumb: Literal["up", "down"]
    score: float
    comment: str
    correction: str
    user: str


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request, and what becomes of its answer.

    Attributes:
        parse: Returns the answer as a value.
        repeat: Whether it is safe to send it twice.
        body: JSON.
        files: Parts of a form, instead of JSON: name of the file and its bytes.
        content: Bytes as they are, instead of JSON, and their media type.
        form: Other fields of the form.
        params: The query string.
        headers: Beside those of all calls.
        timeout_s: Its own time limit, None for that of the client.
        good: Statuses beside 2xx that are no error.
    """

    method: Method
    path: str
    parse: Callable[[httpx.Response], T]
    repeat: Repeat = "always"
    body: Mapping[str, Any] | None = None
    files: Sequence[tuple[str, bytes]] = ()
    content: tuple[bytes, str] | None = None
    form: Mapping[str, str] | None = None
    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    timeout_s: float | None = None
    good: frozenset[int] = frozenset()


def raw(
    method: Method,
    path: str,
    body: Mapping[str, Any] | None,
    repeat: Repeat,
) -> Call[dict[str, Any]]:
    """Returns a call of any path, whose answer is left as it is."""
    return Call(method, path, json_of, repeat=repeat, body=body)


def query(text: str, options: TurnOptions) -> Call[QueryResponse]:
    """Returns the call of `/v1/query`. A turn of a conversation that comes twice is two turns."""
    repeat: Repeat = "unsent" if "conversation_id" in options else "always"
    body = {"query": text, **options}
    return Call("POST", QUERY_PATH, read_as(QueryResponse), repeat=repeat, body=body)


def query_batch(questions: Iterable[str | BatchQuestion]) -> Call[BatchResponse]:
    """Returns the call of `/v1/query/batch`."""
    body = {"queries": [{"query": one} if isinstance(one, str) else one for one in questions]}
    return Call("POST", "/v1/query/batch", read_as(BatchResponse), body=body)


def search(text: str, options: SearchOptions) -> Call[SearchResponse]:
    """Returns the call of `/v1/search`."""
    return Call("POST", "/v1/search", read_as(SearchResponse), body={"query": text, **options})


def add_documents(documents: Sequence[Mapping[str, Any]]) -> Call[DocumentsResponse]:
    """Returns the call that writes documents; what is known already is left alone, so that it may
    be repeated."""
    return Call(
        "POST",
        "/v1/documents",
        read_as(DocumentsResponse),
        body={"documents": documents},
        timeout_s=WRITE_TIMEOUT_S,
    )


def add_files(
    files: Sequence[tuple[str, bytes]], form: Mapping[str, str]
) -> Call[DocumentsResponse]:
    """Returns the call that uploads files with the other fields of their form; it may be repeated,
    too."""
    return Call(
        "POST",
        "/v1/documents",
        read_as(DocumentsResponse),
        files=files,
        form=form or None,
        timeout_s=WRITE_TIMEOUT_S,
    )


def list_documents(cursor: str | None, page: int) -> Call[DocumentList]:
    """Returns the call for one page of the list."""
    params = {"limit": str(page)} | ({} if cursor is None else {"cursor": cursor})
    return Call("GET", "/v1/documents", read_as(DocumentList), params=params)


def get_document(document_id: str) -> Call[DocumentInfo]:
    """Returns the call for what is known of a document."""
    return Call("GET", _document(document_id), read_as(DocumentInfo))


def delete_document(document_id: str) -> Call[DeletedDocument]:
    """Returns the call that takes a document out. One that was done is not found the second time,
    and so it is not repeated."""
    return Call(
        "DELETE",
        _document(document_id),
        read_as(DeletedDocument),
        repeat="unsent",
        timeout_s=WRITE_TIMEOUT_S,
    )


def embed(
    texts: str | Sequence[str], input_type: InputType, model: str
) -> Call[EmbeddingsResponse]:
    """Returns the call of `/v1/embeddings`."""
    texts = texts if isinstance(texts, str) else list(texts)
    body = {"input": texts, "input_type": input_type, "model": model}
    return Call("POST", "/v1/embeddings", read_as(EmbeddingsResponse), body=body)


def rerank(
    text: str, documents: Sequence[str], top_n: int | None, return_documents: bool, model: str
) -> Call[RerankResponse]:
    """Returns the call of `/v1/rerank`."""
    body = {
        "query": text,
        "documents": list(documents),
        "top_n": top_n,
        "return_documents": return_documents,
        "model": model,
    }
    return Call("POST", "/v1/rerank", read_as(RerankResponse), body=body)


def models() -> Call[list[Model]]:
    """Returns the call of `/v1/models`."""
    read = read_as(ModelList)
    return Call("GET", "/v1/models", lambda response: read(response).data)


def usage(by: Sequence[Dimension], options: UsageOptions) -> Call[UsageReport]:
    """Returns the call of `/v1/usage`."""
    asked: dict[str, Any] = {
        "from": options.get("first_day"),
        "to": options.get("last_day"),
        "key": options.get("key"),
        "release": options.get("release"),
        "model": options.get("model"),
    }
    params = {"by": ",".join(by)} | {name: said for name, said in asked.items() if said is not None}
    return Call("GET", "/v1/usage", read_as(UsageReport), params=params)


def feedback(request_id: str, options: FeedbackOptions) -> Call[FeedbackInfo]:
    """Returns the call of `/v1/feedback`; what is said twice is said once."""
    body = {"request_id": request_id, **options}
    return Call("POST", "/v1/feedback", read_as(FeedbackInfo), body=body)


def health() -> Call[Readiness]:
    """Returns the call that asks whether questions can be answered; that they cannot is an answer
    as well."""
    return Call("GET", "/health/ready", read_as(Readiness), good=frozenset({_NOT_READY}))


def live() -> Call[Liveness]:
    """Returns the call that asks whether the gateway's process runs."""
    return Call("GET", "/health/live", read_as(Liveness))


def _document(document_id: str) -> str:
    return f"/v1/documents/{quote(document_id, safe='')}"
