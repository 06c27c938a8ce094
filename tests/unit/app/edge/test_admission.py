"""What the gate reports of requests that have ended."""

import asyncio
import json
from collections.abc import AsyncIterator, MutableMapping, Sequence
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from app.api.application import create_app
from app.edge.limit import AdmissionLimit
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.request.waiting import note_wait
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.recording import Recording
from app.telemetry.requests import FinishedRequest, Telemetry
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import IngestOutcome
from deployments.contracts.errors import StageFailed
from deployments.contracts.search import Embedded, InputType, Reranked
from tests.doubles import DoubleDirectory, HashEmbedder, WholeDocumentIndexer
from tests.unit.app.conftest import LIVE

QUERY = {"query": "What is the capital of France?", "user": "alice", "session_id": "chat-7"}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Listener:
    """A sink that remembers, and one that breaks."""

    def __init__(self) -> None:
        self.heard: list[FinishedRequest] = []

    def take(self, request: FinishedRequest) -> None:
        self.heard.append(request)


class Broken:
    def take(self, request: FinishedRequest) -> None:
        raise RuntimeError("full disk")


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def service(
    stages: DoubleDirectory, args: GatewayArgs, listener: Listener
) -> AsyncIterator[httpx.AsyncClient]:
    live = LIVE.model_copy(update={"recording": Recording()})
    telemetry = Telemetry([Broken(), listener])
    made = make_gateway(Releases(stages, lambda: live), args, telemetry=telemetry)
    transport = httpx.ASGITransport(create_app(made, args), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        document = {"id": "p", "path": "p.md", "text": "Paris is the capital of France."}
        await client.post("/v1/documents", json={"documents": [document]})
        listener.heard.clear()
        yield client


async def test_an_answer_is_reported_once_with_all_that_is_known(
    service: httpx.AsyncClient, listener: Listener
) -> None:
    response = await service.post("/v1/query", json=QUERY, headers={"traceparent": PARENT})
    (heard,) = listener.heard
    assert (heard.kind, heard.route, heard.status) == ("request", "/v1/query", 200)
    assert heard.outcome == "ok"
    notes = heard.notes
    assert (notes.user, notes.session, notes.release) == ("alice", "chat-7", "one")
    assert [message.content for message in notes.messages] == [QUERY["query"]]
    assert notes.attempt is not None
    assert notes.attempt.query == QUERY["query"]
    assert notes.attempt.found
    assert [hit.chunk.id for hit in notes.attempt.hits] == [
        source["chunk_id"] for source in response.json()["sources"]
    ]
    assert notes.attempt.query_vector is not None
    assert notes.written is not None
    assert notes.written.text == response.json()["answer"]
    assert response.headers["traceparent"] == heard.trace.traceparent()


async def test_a_client_does_not_choose_the_trace_that_it_is_recorded_in(
    service: httpx.AsyncClient, listener: Listener
) -> None:
    response = await service.post("/v1/query", json=QUERY, headers={"traceparent": PARENT})
    (heard,) = listener.heard
    client_trace, client_span = PARENT.split("-")[1:3]
    assert response.headers["traceparent"].split("-")[1] != client_trace
    assert heard.trace.linked == (int(client_trace, 16), int(client_span, 16))
    assert heard.trace.client_span_id == 0


async def test_a_trusted_client_has_its_trace_continued(
    stages: DoubleDirectory, args: GatewayArgs, listener: Listener
) -> None:
    args = args.model_copy(update={"trust_traceparent": True})
    made = make_gateway(Releases(stages, lambda: LIVE), args, telemetry=Telemetry([listener]))
    transport = httpx.ASGITransport(create_app(made, args), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.post("/v1/query", json=QUERY, headers={"traceparent": PARENT})
    assert response.headers["traceparent"].split("-")[1] == PARENT.split("-")[1]
    assert listener.heard[-1].trace.client_span_id == int(PARENT.split("-")[2], 16)


async def test_the_trace_goes_on_to_the_stages(
    service: httpx.AsyncClient,
    stages: DoubleDirectory,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told, rerank = [], stages.reranker.rerank

    async def listening(*args: Any, call: CallContext, **options: Any) -> Reranked:
        told.append(call.traceparent)
        return await rerank(*args, call=call, **options)

    monkeypatch.setattr(stages.reranker, "rerank", listening)
    await service.post("/v1/query", json=QUERY)
    assert told == [listener.heard[-1].trace.traceparent()]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_is_reported_with_its_code_and_the_stages_before(
    service: httpx.AsyncClient, stages: DoubleDirectory, listener: Listener, stream: bool
) -> None:
    stages.generation.failure = StageFailed("broken", "generator")
    await service.post("/v1/query", json=QUERY | {"stream": stream})
    (heard,) = listener.heard
    assert (heard.outcome, heard.notes.error) == ("failed", "internal")
    assert heard.notes.release == "one"
    assert heard.notes.attempt is not None
    assert heard.notes.attempt.times["generator"].error == "internal"


async def test_the_questions_of_a_batch_are_requests_inside_it(
    service: httpx.AsyncClient, listener: Listener
) -> None:
    batch = {"queries": [QUERY, {"query": "?", "top_k": 1, "top_n": 5}]}
    await service.post("/v1/query/batch", json=batch)
    first, second, whole = sorted(listener.heard, key=lambda one: (one.kind, one.request_id))
    assert [one.kind for one in (first, second, whole)] == ["item", "item", "request"]
    assert (first.outcome, second.outcome, whole.outcome) == ("ok", "refused", "ok")
    assert first.trace.client_span_id == second.trace.client_span_id == whole.trace.span_id
    assert first.trace.trace_id == whole.trace.trace_id
    assert whole.notes.written is None


async def test_nothing_that_a_route_refused_or_did_not_know_is_missing(
    service: httpx.AsyncClient, listener: Listener
) -> None:
    await service.get("/nowhere")
    await service.post("/v1/query", json={})
    await service.get("/health/live")
    told = [(one.route, one.status, one.notes.error) for one in listener.heard]
    assert told == [("", 404, "not_found"), ("/v1/query", 422, "invalid_request")]


@pytest.mark.parametrize(("wish", "status"), [("none", 403), ("keep", 200), ("maybe", 422)])
async def test_who_wants_no_trace_is_refused_where_that_is_not_allowed(
    service: httpx.AsyncClient, listener: Listener, wish: str, status: int
) -> None:
    response = await service.post("/v1/query", json=QUERY, headers={"X-Ragserve-Trace": wish})
    assert response.status_code == status
    assert listener.heard[-1].notes.trace_wish == ("" if wish == "maybe" else wish)


async def call_raw(app: ASGIApp, *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """Sends a request's messages one after the other, then nothing, and returns the answer's."""
    waiting, sent = list(messages), []

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(dict(message))

    headers = [(b"content-type", b"application/json"), (b"x-request-id", b"raw")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/query",
        "raw_path": b"/v1/query",
        "query_string": b"",
        "headers": headers,
        "http_version": "1.1",
        "scheme": "http",
        "server": ("t", 80),
        "client": ("c", 1),
    }
    await app(scope, receive, send)
    return sent


def gated(stages: DoubleDirectory, listener: Listener, **args: Any) -> ASGIApp:
    settings = GatewayArgs(**args)
    telemetry = Telemetry([listener])
    return create_app(
        make_gateway(Releases(stages, lambda: LIVE), settings, telemetry=telemetry), settings
    )


PIECE = {"type": "http.request", "body": b'{"query": "What', "more_body": True}


async def test_a_body_that_stalls_holds_no_place_and_is_told_so(
    stages: DoubleDirectory, listener: Listener
) -> None:
    app = gated(stages, listener, max_concurrent_requests=1, body_patience_s=1)
    stalled = [asyncio.create_task(call_raw(app, PIECE)) for _ in range(100)]
    await asyncio.sleep(0.01)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.post("/v1/query", json=QUERY)).status_code == 200
    for sent in await asyncio.gather(*stalled):
        assert sent[0]["status"] == 408
        assert (b"connection", b"close") in sent[0]["headers"]
        assert json.loads(sent[1]["body"])["code"] == "request_timeout"
    assert [request.outcome for request in listener.heard[1:]] == ["refused"] * 100


async def test_a_client_that_leaves_in_its_body_has_left(
    stages: DoubleDirectory, listener: Listener
) -> None:
    app = gated(stages, listener)
    assert await call_raw(app, PIECE, {"type": "http.disconnect"}) == []
    (heard,) = listener.heard
    assert (heard.status, heard.outcome) == (499, "aborted")
    assert stages.embedder.calls == 0


async def test_the_questions_of_a_batch_take_their_places(
    stages: DoubleDirectory, listener: Listener
) -> None:
    app = gated(stages, listener, max_concurrent_requests=4)
    stages.embedder.holds = asyncio.Event()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        asking = asyncio.create_task(client.post("/v1/query", json=QUERY))
        await stages.embedder.entered.wait()
        batch = {"queries": [QUERY] * 4}
        texts = {"input": ["a"] * 128}
        many = {**QUERY, "queries": ["other words"] * 4}
        for path, body in (
            ("/v1/query/batch", batch),
            ("/v1/embeddings", texts),
            ("/v1/search", many),
        ):
            refused = await client.post(path, json=body)
            assert (refused.status_code, refused.json()["code"]) == (503, "overloaded"), path
        assert stages.embedder.calls == 1
        stages.embedder.holds.set()
        assert (await asking).status_code == 200
        assert (await client.post("/v1/query/batch", json=batch)).status_code == 200
        assert (await client.post("/v1/embeddings", json=texts)).status_code == 200


async def test_who_writes_and_deletes_is_on_record(
    service: httpx.AsyncClient, listener: Listener
) -> None:
    key = {"Authorization": "Bearer a-key"}
    documents = {"documents": [{"id": "q", "text": "A text."}]}
    await service.post("/v1/documents", json=documents, headers=key)
    await service.delete("/v1/documents/q", headers=key)
    written, deleted = listener.heard
    assert written.notes.key_id == deleted.notes.key_id != ""


class Waiting(WholeDocumentIndexer):
    """An indexer that is waited for."""

    async def ingest_json(self, body: bytes, *, call: CallContext) -> list[IngestOutcome]:
        note_wait(60.0)
        return await super().ingest_json(body, call=call)


class WaitingEmbedder(HashEmbedder):
    async def embed(
        self,
        texts: Sequence[str],
        *,
        input_type: InputType,
        with_tokens: bool = False,
        call: CallContext,
    ) -> Embedded:
        note_wait(60.0)
        return await super().embed(texts, input_type=input_type, call=call)


async def test_only_what_somebody_sits_waiting_for_is_judged(
    stages: DoubleDirectory, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[float] = []
    monkeypatch.setattr(AdmissionLimit, "observe", lambda _, waited_s: judged.append(waited_s))
    stages.indexer, stages.embedder = Waiting(stages.retriever), WaitingEmbedder()
    transport = httpx.ASGITransport(gated(stages, listener))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.post("/v1/documents", json={"documents": [{"text": "A text."}]})
        assert judged == []
        await client.post("/v1/query", json=QUERY)
        assert judged == [60.0]
        await client.post("/v1/query/batch", json={"queries": [QUERY] * 4})
        assert judged == [60.0, 15.0], "the questions of a batch wait for each other"
