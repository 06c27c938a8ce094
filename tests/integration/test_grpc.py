"""gRPC through HAProxy to the replicas of the shared stack: calls, refusals, clients that leave,
and a gateway that is killed."""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from app.rpc.calls import RPCS, services
from ragserve.client import AsyncClient, Client, NotFoundError, UnprocessableError
from ragserve.inference import open_inference_pb2 as oip
from ragserve.inference import open_inference_pb2_grpc as oip_grpc
from ragserve.v1 import rag_pb2, rag_pb2_grpc
from tests.integration.cluster import Cluster, Frozen, until
from tests.openai_peer import OpenAIPeer

pytestmark = pytest.mark.usefixtures("guide")
QUESTION = rag_pb2.QueryRequest(query="What happens when a queue is full?")
LONG = rag_pb2.QueryRequest(query="lasts 100 words, as the docs say of queues that are full")
WORDS_PER_S = 5


@pytest.fixture
def channel(cluster: Cluster, http: httpx.Client) -> Iterator[Any]:
    with grpc.insecure_channel(cluster.grpc_target) as channel:
        yield channel


@pytest.fixture
def rag(channel: Any) -> Any:
    return rag_pb2_grpc.RagStub(channel)


@pytest.fixture
def to_the_peer(cluster: Cluster) -> list[tuple[str, str]]:
    """Metadata of an operator who asks for the release whose generator is scripted."""
    key = (cluster.home / "admin_key").read_text().strip()
    return [("authorization", f"Bearer {key}"), ("x-ragserve-release", "lasts")]


def problem(error: Any) -> dict[str, Any]:
    """What the details of a refusal say."""
    found: dict[str, Any] = json.loads(error.details())
    return found


def test_a_question_has_the_answer_that_it_has_over_http(rag: Any, http: httpx.Client) -> None:
    answer, call = rag.Query.with_call(QUESTION, metadata=[("x-request-id", "grpc-1")])
    assert answer.grounded
    assert answer.request_id == "grpc-1"
    over_http = http.post("/v1/query", json={"query": QUESTION.query}).json()
    assert answer.answer == over_http["answer"]
    assert [source.chunk_id for source in answer.sources] == [
        source["chunk_id"] for source in over_http["sources"]
    ]
    trailers = dict(call.trailing_metadata())
    assert trailers["x-ragserve-release"] == answer.release
    assert trailers["x-request-id"] == "grpc-1"


def test_a_stream_comes_piece_by_piece(
    rag: Any, to_the_peer: list[tuple[str, str]], http: httpx.Client
) -> None:
    question = rag_pb2.QueryRequest(query="lasts 10 words, as the docs say of queues")
    kinds, times_s = [], []
    for event in rag.StreamQuery(question, metadata=to_the_peer):
        kinds.append(event.WhichOneof("event"))
        if kinds[-1] == "delta":
            times_s.append(time.monotonic())
    assert kinds[0] == "sources"
    assert kinds[-1] == "done"
    assert times_s[-1] - times_s[0] > 5 / WORDS_PER_S, "all came at once"


def test_the_client_library_speaks_it(cluster: Cluster, http: httpx.Client) -> None:
    address = f"grpc://{cluster.grpc_target}"
    with Client(address) as client:
        assert client.query(QUESTION.query).grounded
        with client.stream_query(QUESTION.query) as events:
            assert list(events)[-1].grounded  # type: ignore[union-attr]
        written = client.add_texts([{"id": "by-grpc", "text": "A note that came by gRPC."}])
        assert written.added + written.unchanged == 1
        assert client.search("note by gRPC", top_n=1).results
        assert client.delete_document("by-grpc").deleted
        with pytest.raises(NotFoundError):
            client.get_document("by-grpc")
        with pytest.raises(UnprocessableError):
            client.query(" ")

    async def ask() -> bool:
        async with AsyncClient(address) as client:
            return (await client.query(QUESTION.query)).grounded

    assert asyncio.run(ask())


def test_texts_become_vectors_and_passages_scores(channel: Any, http: httpx.Client) -> None:
    inference = oip_grpc.GRPCInferenceServiceStub(channel)
    texts = ["a full queue", "a sunny day"]
    request = oip.ModelInferRequest(model_name="embeddings")
    text = request.inputs.add(name="text", datatype="BYTES", shape=[2])
    text.contents.bytes_contents.extend(one.encode() for one in texts)
    answer = inference.ModelInfer(request)
    vectors = np.frombuffer(answer.raw_output_contents[0], "<f4").reshape(2, -1)
    over_http = http.post("/v1/embeddings", json={"input": texts}).json()["data"]
    assert np.allclose(vectors, [one["embedding"] for one in over_http], atol=1e-6)
    request = oip.ModelInferRequest(model_name="rerank")
    for name, values in (("query", texts[:1]), ("passages", ["The sun shines.", "It is full."])):
        tensor = request.inputs.add(name=name, datatype="BYTES", shape=[len(values)])
        tensor.contents.bytes_contents.extend(one.encode() for one in values)
    scores = np.frombuffer(inference.ModelInfer(request).raw_output_contents[0], "<f4")
    assert scores[1] > scores[0]
    assert inference.ServerReady(oip.ServerReadyRequest()).ready


def test_a_probe_of_kubernetes_is_answered(channel: Any) -> None:
    """It sends no metadata and has a second."""
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", "ragserve.v1.Rag", "liveness"):
        asked = health_pb2.HealthCheckRequest(service=service)
        answer = health.Check(asked, timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as caught:
        health.Check(health_pb2.HealthCheckRequest(service="other"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_watch_tells_of_a_stage_that_is_gone(cluster: Cluster, channel: Any) -> None:
    watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    with Frozen(cluster.pids("retrieval-minilm", "Reranker")):
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()


def test_reflection_names_every_service(channel: Any) -> None:
    known = ProtoReflectionDescriptorDatabase(channel).get_services()
    assert {service.full_name for service in services()} <= set(known)


def test_a_key_that_does_not_hold_opens_no_method(channel: Any) -> None:
    """The stack is open: whoever shows a key is held to it all the same."""
    metadata = [("authorization", "Bearer rs_live_" + "0" * 49)]
    for service in services():
        for method in service.methods:
            rpc = RPCS[method.name]
            if rpc.need == "public":
                continue
            request = GetMessageClass(method.input_type)()
            make = channel.unary_stream if rpc.streams else channel.unary_unary
            call = make(rpc.path, lambda one: one.SerializeToString(), rpc.answers.FromString)
            with pytest.raises(grpc.RpcError) as caught:
                _all_of(call(request, metadata=metadata), streams=rpc.streams)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED, rpc.path
            assert problem(caught.value)["code"] == "unauthorized"


def _all_of(answer: Any, *, streams: bool) -> list[Any]:
    return list(answer) if streams else [answer]


@pytest.mark.parametrize(
    ("method", "request_", "status", "code"),
    [
        ("Query", rag_pb2.QueryRequest(), "INVALID_ARGUMENT", "invalid_request"),
        (
            "Query",
            rag_pb2.QueryRequest(query=QUESTION.query, logit_bias={1: 1.0}),
            "INVALID_ARGUMENT",
            "unsupported_field",
        ),
        ("GetDocument", rag_pb2.GetDocumentRequest(document_id="no"), "NOT_FOUND", "not_found"),
        (
            "Query",
            rag_pb2.QueryRequest(query="x", queries=["y" * 200_000] * 3),
            "OUT_OF_RANGE",
            "request_too_large",
        ),
        (
            "Search",
            rag_pb2.SearchRequest(query="x", timeout_s=0.001),
            "DEADLINE_EXCEEDED",
            "deadline_exceeded",
        ),
    ],
)
def test_an_error_is_a_status_with_its_code(
    rag: Any, method: str, request_: Any, status: str, code: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        getattr(rag, method)(request_)
    assert caught.value.code().name == status
    assert problem(caught.value)["code"] == code
    assert dict(caught.value.trailing_metadata())["x-request-id"]


def test_a_stage_that_never_answers_is_told_at_the_deadline(cluster: Cluster, rag: Any) -> None:
    with Frozen(cluster.pids("retrieval-minilm", "Embedder")):
        started_s = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            rag.Query(rag_pb2.QueryRequest(query="late", timeout_s=2.0))
        took_s = time.monotonic() - started_s
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert problem(caught.value)["code"] == "deadline_exceeded"
    assert 1.5 < took_s < 6


def test_too_many_calls_are_refused_at_once(rag: Any) -> None:
    def ask(number: int) -> Any:
        try:
            rag.Query(rag_pb2.QueryRequest(query=f"what is a queue {number}"), timeout=60)
        except grpc.RpcError as error:
            return error
        return None

    with ThreadPoolExecutor(64) as pool:
        errors = [error for error in pool.map(ask, range(192)) if error is not None]
    assert errors, "the gateway took more than it may"
    assert {error.code() for error in errors} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    ours = [problem(error) for error in errors if error.details().startswith("{")]
    assert {one["code"] for one in ours} == {"overloaded"}
    assert all(one["retry_after_s"] > 0 for one in ours)


@pytest.mark.parametrize("ends", ["cancel", "deadline"])
def test_a_client_that_leaves_is_gone_for_the_backend_too(
    rag: Any, to_the_peer: list[tuple[str, str]], openai_peer: OpenAIPeer, ends: str
) -> None:
    timeout_s = 6.0 if ends == "deadline" else None
    before = len(openai_peer.requests)
    stream = rag.StreamQuery(LONG, metadata=to_the_peer, timeout=timeout_s)
    kinds = [next(stream).WhichOneof("event") for _ in range(2)]
    assert kinds == ["sources", "delta"]
    if ends == "cancel":
        stream.cancel()
    else:
        with pytest.raises(grpc.RpcError) as caught:
            list(stream)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    (asked,) = openai_peer.requests[before:]
    assert openai_peer.wait_until(lambda: asked.disconnected, within_s=3.0)
    assert asked.tokens < 100


def test_a_call_is_in_the_access_log_with_its_trace(cluster: Cluster, rag: Any) -> None:
    theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    _, call = rag.Query.with_call(QUESTION, metadata=[("traceparent", theirs)])
    trace_id = dict(call.trailing_metadata())["traceparent"].split("-")[1]
    assert trace_id not in theirs
    logs = cluster.ray_dir / "session_latest/logs/serve"

    def lines() -> list[dict[str, Any]]:
        texts = [log.read_text() for log in logs.glob("replica_gateway_*.log")]
        return [
            json.loads(line) for text in texts for line in text.splitlines() if trace_id in line
        ]

    (line,) = until(lines, within_s=5, what="the access line")
    assert (line["http_route"], line["status"]) == ("/ragserve.v1.Rag/Query", 200)
    assert (line["event"], line["outcome"]) == ("request", "ok")
    assert set(line["stages_ms"]) == {*("embedder", "retriever", "reranker", "generator")}


def test_what_is_refused_leaves_no_stack_in_the_logs(cluster: Cluster, rag: Any) -> None:
    request_id = f"refused-{os.getpid()}-{time.time_ns()}"
    with pytest.raises(grpc.RpcError):
        rag.Query(rag_pb2.QueryRequest(), metadata=[("x-request-id", request_id)])
    logs = cluster.ray_dir / "session_latest/logs/serve"

    def lines() -> list[str]:
        texts = [log.read_text() for log in logs.glob("replica_gateway_*.log")]
        return [line for text in texts for line in text.splitlines() if request_id in line]

    (line,) = until(lines, within_s=5, what="the access line")
    assert "Traceback" not in line


def test_a_gateway_that_is_killed_ends_its_streams_with_a_status(
    cluster: Cluster, rag: Any, to_the_peer: list[tuple[str, str]]
) -> None:
    stream = rag.StreamQuery(LONG, metadata=to_the_peer, timeout=60)
    assert next(stream).WhichOneof("event") == "sources"
    pids = cluster.pids("gateway", "Ingress")

    def kill() -> None:
        for pid in pids.values():
            os.kill(pid, signal.SIGKILL)

    threading.Timer(0.5, kill).start()
    started_s = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        list(stream)
    assert time.monotonic() - started_s < 15, "the client hung"
    assert caught.value.code() in (
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.CANCELLED,
    )
    until(
        lambda: set(cluster.pids("gateway", "Ingress").values()) - set(pids.values()),
        within_s=90,
        what="a new gateway",
    )
    cluster.wait_ready()

    def answers() -> bool:
        try:
            return bool(rag.Query(QUESTION, timeout=20).answer)
        except grpc.RpcError:
            return False

    until(answers, within_s=60, what="the new gateway answers over the same channel")
