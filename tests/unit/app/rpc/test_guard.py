"""What every call passes before it is one."""

import asyncio
import json
from typing import Any

import pytest
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode

from app.access.principals import Authenticator
from app.limits.limiter import Limiter
from app.limits.stores.fallback import FallbackStore
from app.limits.stores.memory_store import MemoryStore
from app.rpc import calls
from app.rpc.calls import RPCS
from app.rpc.guard import RpcGuard, is_near
from app.settings.cold.gateway import GatewayArgs
from deployments.access.records import Limits
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import (
    DeadlineExceeded,
    RagError,
    RateLimited,
    StageFailed,
    Unavailable,
)
from ragserve.inference import open_inference_pb2
from ragserve.v1 import rag_pb2
from tests.doubles import DoubleDirectory
from tests.unit.app.rpc.conftest import KEYS, Context, MakeService, Service, Table, principal

QUESTION = rag_pb2.QueryRequest(query="What is the capital of France?", user="alice")
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CLOSED = [name for name, rpc in RPCS.items() if rpc.need != "public"]
OPEN = {"Check", "List", "Watch", "ServerLive", "ServerReady"}


def bearing(key: str) -> Context:
    return Context([("authorization", f"Bearer {key}")])


async def asked(service: Service, name: str, context: Context) -> Context:
    """Calls a method with an empty message."""
    rpc = RPCS[name]
    method = next(one for one in _methods() if one.name == name)
    request = GetMessageClass(method.input_type)()
    if rpc.streams:
        await service.stream(name, request, context)
    else:
        await service.call(name, request, context)
    return context


def _methods() -> list[Any]:
    return [method for one in calls.services() for method in one.methods]


@pytest.mark.parametrize("name", CLOSED)
async def test_no_method_answers_without_a_key(make_service: MakeService, name: str) -> None:
    service = make_service(authenticator=Table(KEYS))
    context = await asked(service, name, Context())
    assert context.code is StatusCode.UNAUTHENTICATED
    assert context.problem["code"] == "unauthorized"
    context = await asked(service, name, bearing("somebody-elses"))
    assert context.code is StatusCode.UNAUTHENTICATED


def test_only_health_is_for_anybody() -> None:
    assert set(RPCS) - set(CLOSED) == OPEN


@pytest.mark.parametrize("name", CLOSED)
async def test_a_key_opens_what_its_scopes_name(make_service: MakeService, name: str) -> None:
    service = make_service(authenticator=Table(KEYS))
    context = await asked(service, name, bearing("reader"))
    if name in ("PutDocuments", "DeleteDocument"):
        assert context.code is StatusCode.PERMISSION_DENIED
        context = await asked(service, name, bearing("writer"))
    assert context.code not in (StatusCode.PERMISSION_DENIED, StatusCode.UNAUTHENTICATED)


def test_a_method_that_declares_nothing_is_for_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "NEEDS", {})
    assert {rpc.need for _, rpc in calls._rpcs()} == {frozenset({"operator"})}


@pytest.mark.parametrize("peer", ["ipv4:10.0.0.7:4711", "ipv6:%5Bfe80::1%5D:4711", "", "odd"])
async def test_without_keys_only_this_machine_is_answered(loaded: Service, peer: str) -> None:
    await loaded.call("Query", QUESTION, Context(peer=peer))
    assert loaded.context.code is StatusCode.UNAUTHENTICATED


async def test_with_keys_every_machine_is_answered(make_service: MakeService) -> None:
    service = make_service(authenticator=Table(KEYS))
    far = Context([("authorization", "Bearer reader")], peer="ipv4:10.0.0.7:4711")
    await service.call("ListDocuments", rag_pb2.ListDocumentsRequest(), far)
    assert far.code is None


@pytest.mark.parametrize(
    "peer", ["unix:", "unix:/a/b", "ipv6:[::1]:1", "ipv6:%5B::ffff:127.0.0.1%5D:1"]
)
def test_this_machine_has_several_names(peer: str) -> None:
    assert is_near(peer)


async def test_an_answer_says_who_gave_it_and_in_which_trace(loaded: Service) -> None:
    context = Context([("x-request-id", "abc-1"), ("traceparent", PARENT)])
    answer = await loaded.call("Query", QUESTION, context)
    assert context.code is None
    assert answer.request_id == context.trailers["x-request-id"] == "abc-1"
    assert context.trailers["x-ragserve-release"] == "one"
    assert "generator;dur=" in context.trailers["server-timing"]
    (heard,) = loaded.listener.heard
    assert context.trailers["traceparent"] == heard.trace.traceparent()
    assert heard.trace.linked is not None
    assert heard.trace.linked[0] == int(PARENT.split("-")[1], 16)


async def test_an_id_that_is_not_plain_is_not_taken(loaded: Service) -> None:
    answer = await loaded.call("Query", QUESTION, Context([("x-request-id", "a b{}")]))
    assert answer.request_id.isalnum()
    assert len(answer.request_id) == 32


async def test_what_steers_ray_serve_is_not_taken_for_the_id(loaded: Service) -> None:
    context = Context([("request_id", "chosen"), ("multiplexed_model_id", "one")])
    answer = await loaded.call("Query", QUESTION, context)
    assert answer.request_id != "chosen"


async def test_a_call_is_reported_once_as_requests_over_http_are(loaded: Service) -> None:
    await loaded.call("Query", QUESTION)
    await loaded.stream("StreamQuery", QUESTION)
    assert [(one.route, one.status, one.outcome) for one in loaded.listener.heard] == [
        ("/ragserve.v1.Rag/Query", 200, "ok"),
        ("/ragserve.v1.Rag/StreamQuery", 200, "ok"),
    ]
    assert {one.notes.user for one in loaded.listener.heard} == {"alice"}
    assert all(one.notes.written is not None for one in loaded.listener.heard)


async def test_health_is_not_reported(service: Service) -> None:
    await asked(service, "Check", Context())
    await asked(service, "ServerReady", Context())
    assert service.listener.heard == []


@pytest.mark.parametrize(
    ("failure", "status", "http"),
    [
        (StageFailed("broken", "generator"), StatusCode.INTERNAL, 500),
        (Unavailable("away", "generator", 2.0), StatusCode.UNAVAILABLE, 503),
        (DeadlineExceeded("late", "generator"), StatusCode.DEADLINE_EXCEEDED, 504),
        (RateLimited("busy", "generator", 7.0), StatusCode.RESOURCE_EXHAUSTED, 429),
    ],
)
async def test_a_failure_is_a_status_with_its_code(
    loaded: Service,
    stages: DoubleDirectory,
    failure: RagError,
    status: StatusCode,
    http: int,
) -> None:
    stages.generation.failure = failure
    answer = await loaded.call("Query", QUESTION)
    assert answer == rag_pb2.QueryResponse()
    assert loaded.context.code is status
    assert loaded.context.problem["request_id"] == loaded.context.trailers["x-request-id"]
    assert await loaded.stream("StreamQuery", QUESTION) == []
    assert loaded.context.code is status
    assert [one.status for one in loaded.listener.heard] == [http, http]


async def test_when_to_come_back_is_in_details_and_trailers(
    loaded: Service, stages: DoubleDirectory
) -> None:
    stages.retriever.failure = Unavailable("away", "retriever", 2.5)
    await loaded.call("Search", rag_pb2.SearchRequest(query="x"))
    assert loaded.context.problem["retry_after_s"] == 2.5
    assert loaded.context.trailers["retry-after"] == "3"


async def test_what_nobody_planned_for_is_not_told(
    loaded: Service, stages: DoubleDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    stages.retriever.failure = RuntimeError("/etc/secret is missing")  # type: ignore[assignment]
    await loaded.call("Search", rag_pb2.SearchRequest(query="x"))
    assert loaded.context.code is StatusCode.INTERNAL
    assert "secret" not in loaded.context.details
    assert any("secret" in str(record.exc_info) for record in caplog.records)


async def test_no_room_is_said_before_any_work(loaded: Service, stages: DoubleDirectory) -> None:
    with (
        loaded.entrance.limit.running(),
        loaded.entrance.limit.running(),
        loaded.entrance.limit.running(),
        loaded.entrance.limit.running(),
    ):
        calls_before = stages.embedder.calls
        await loaded.call("Query", QUESTION)
        assert stages.embedder.calls == calls_before
    assert loaded.context.code is StatusCode.RESOURCE_EXHAUSTED
    assert loaded.context.problem == {
        "code": "overloaded",
        "status": 503,
        "detail": "The gateway has all it can work on; retry shortly.",
        "request_id": loaded.context.trailers["x-request-id"],
        "retry_after_s": 1.0,
    }
    assert loaded.entrance.limit.open_requests == 0


async def test_a_message_has_a_bound(loaded: Service) -> None:
    await loaded.call("Search", rag_pb2.SearchRequest(query="x", queries=["y" * 9_000] * 3))
    assert loaded.context.code is StatusCode.OUT_OF_RANGE
    document = rag_pb2.Document(id="large", text="word " * 5_000)
    await loaded.call("PutDocuments", rag_pb2.PutDocumentsRequest(documents=[document]))
    assert loaded.context.code is None, "documents may be larger"
    document.text *= 2
    await loaded.call("PutDocuments", rag_pb2.PutDocumentsRequest(documents=[document]))
    assert loaded.context.problem["code"] == "request_too_large"


@pytest.mark.parametrize(("told_s", "left_s"), [(0.05, 0.05), (60.0, 2.0), (None, 2.0)])
async def test_a_message_may_shorten_the_time_of_its_call(
    loaded: Service,
    stages: DoubleDirectory,
    monkeypatch: pytest.MonkeyPatch,
    told_s: float | None,
    left_s: float,
) -> None:
    seen_s = _times_told(stages, monkeypatch)
    await loaded.call("Search", rag_pb2.SearchRequest(query="x", timeout_s=told_s))
    assert loaded.context.code is None
    assert left_s / 2 < seen_s[0] <= left_s


def _times_told(stages: DoubleDirectory, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Returns the times that the embedder is told from now on."""
    seen_s, embed = list[float](), stages.embedder.embed

    async def noting(texts: Any, *, call: CallContext, **options: Any) -> Any:
        seen_s.append(call.timeout_s)
        return await embed(texts, call=call, **options)

    monkeypatch.setattr(stages.embedder, "embed", noting)
    return seen_s


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("nan")])
async def test_no_time_is_refused(loaded: Service, timeout_s: float) -> None:
    await loaded.call("Search", rag_pb2.SearchRequest(query="x", timeout_s=timeout_s))
    assert loaded.context.code is StatusCode.INVALID_ARGUMENT
    assert loaded.context.problem["errors"][0]["field"] == "timeout_s"


async def test_triton_says_its_time_in_microseconds(
    loaded: Service, stages: DoubleDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_s = _times_told(stages, monkeypatch)
    request = open_inference_pb2.ModelInferRequest(model_name="embeddings")
    text = request.inputs.add(name="text", datatype="BYTES", shape=[1])
    text.contents.bytes_contents.append(b"a")
    request.parameters["timeout"].int64_param = 50_000
    await loaded.call("ModelInfer", request)
    assert 0.025 < seen_s[0] <= 0.05
    request.parameters["timeout"].string_param = "soon"
    await loaded.call("ModelInfer", request)
    assert loaded.context.code is StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("name", ["Query", "StreamQuery"])
async def test_a_client_that_leaves_stops_the_work(
    loaded: Service, stages: DoubleDirectory, name: str
) -> None:
    stages.embedder.holds = asyncio.Event()
    stages.embedder.entered.clear()
    asking = loaded.call if name == "Query" else loaded.stream
    call = asyncio.create_task(asking(name, QUESTION))
    await stages.embedder.entered.wait()
    assert loaded.entrance.limit.open_requests == 1
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert loaded.entrance.limit.open_requests == 0
    (heard,) = loaded.listener.heard
    assert (heard.status, heard.outcome) == (499, "aborted")


async def test_a_stream_that_nobody_reads_on_is_closed(loaded: Service) -> None:
    events = loaded.rpc.stream("StreamQuery", QUESTION, Context())
    await anext(events)
    assert loaded.entrance.limit.open_requests == 1
    # Serve may close it from another task than the one that read it.
    await asyncio.create_task(events.aclose())
    assert loaded.entrance.limit.open_requests == 0
    assert len(loaded.listener.heard) == 1


async def test_a_key_has_its_limit_over_grpc_too(make_service: MakeService) -> None:
    limited = Table({"reader": principal("query", limits=Limits(requests_per_min=1))})
    limiter = Limiter(FallbackStore(MemoryStore(), max_replicas=1))
    service = make_service(authenticator=limited, limiter=limiter)
    context = await asked(service, "ListDocuments", bearing("reader"))
    assert context.code is None
    assert context.trailers["x-ratelimit-remaining-requests"] == "0"
    context = await asked(service, "ListDocuments", bearing("reader"))
    assert context.code is StatusCode.RESOURCE_EXHAUSTED
    assert context.problem["code"] == "rate_limit_exceeded"
    assert context.problem["should_retry"] is True
    assert context.problem["retry_after_s"] > 0
    assert all(name == name.lower() for name in context.trailers)


async def test_a_release_is_for_operators_to_ask_for(make_service: MakeService) -> None:
    service = make_service(authenticator=Table(KEYS))
    for key, code in (("reader", "forbidden"), ("operator", "invalid_request")):
        context = bearing(key)
        context._metadata.append(("x-ragserve-release", "no-such"))
        await service.call("Search", rag_pb2.SearchRequest(query="x"), context)
        assert context.problem["code"] == code


async def test_no_trace_is_for_those_who_may_say_so(loaded: Service) -> None:
    await loaded.call("Query", QUESTION, Context([("x-ragserve-trace", "none")]))
    assert loaded.context.code is StatusCode.PERMISSION_DENIED


async def test_a_stream_that_breaks_off_says_why_after_what_came(
    loaded: Service, make_service: MakeService, args: GatewayArgs
) -> None:
    async def breaks(call: object, request: object) -> Any:
        yield rag_pb2.StreamQueryResponse(delta=rag_pb2.DeltaEvent(text="a"))
        raise Unavailable("The generator went away.", "generator", 1.0)

    guard = RpcGuard(loaded.entrance, loaded.gateway, args)
    context = Context()
    said = [one async for one in guard.streaming(RPCS["StreamQuery"], breaks, QUESTION, context)]
    assert len(said) == 1
    assert context.code is StatusCode.UNAVAILABLE
    assert json.loads(context.details)["code"] == "unavailable"
    (heard,) = loaded.listener.heard
    assert (heard.status, heard.outcome) == (200, "failed")


def test_an_open_service_has_an_authenticator_that_says_so() -> None:
    assert Authenticator().is_open
    assert not Authenticator("required").is_open


async def test_what_was_spent_is_told_before_a_refusal_too(
    make_service: MakeService, stages: DoubleDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model may have written before something failed."""
    limited = Table({"reader": principal("query", limits=Limits(requests_per_min=9))})
    service = make_service(
        authenticator=limited, limiter=Limiter(FallbackStore(MemoryStore(), max_replicas=1))
    )
    told: list[bool] = []

    async def noting(visit: object, *, is_last: bool) -> None:
        told.append(is_last)

    monkeypatch.setattr("app.edge.visit.Visit.tell_spent", noting)
    stages.retriever.failure = Unavailable("away", "retriever")
    await service.call("Search", rag_pb2.SearchRequest(query="x"), bearing("reader"))
    await service.stream("StreamQuery", QUESTION, bearing("reader"))
    assert told == [True, True]
