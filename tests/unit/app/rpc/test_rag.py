"""Questions and searches: the same answers as over HTTP, in messages."""

from typing import Any

import pytest
from grpc import StatusCode
from pydantic import BaseModel

from app.rpc.messages import fields_of, form_of
from app.schemas import answers
from app.schemas.documents import (
    DeletedDocument,
    DocumentInfo,
    DocumentList,
    DocumentsResponse,
    Outcome,
)
from app.schemas.moderations import Blocked
from app.schemas.sampling import CacheOptions, StructuredOutputs
from deployments.indexer.json_documents import DocumentInput
from ragserve.v1 import rag_pb2
from tests.unit.app.rpc.conftest import TEXTS, Context, Service

QUESTION = rag_pb2.QueryRequest(query="What is the capital of France?")
SAME: list[tuple[type[BaseModel], Any, set[str]]] = [
    (answers.SearchRequest, rag_pb2.SearchRequest, {"timeout_s"}),
    (answers.QueryRequest, rag_pb2.QueryRequest, {"timeout_s"}),
    (StructuredOutputs, rag_pb2.StructuredOutputs, set()),
    (CacheOptions, rag_pb2.CacheOptions, set()),
    (answers.SignalScores, rag_pb2.SignalScores, set()),
    (answers.Source, rag_pb2.Source, set()),
    (answers.Citation, rag_pb2.Citation, set()),
    (answers.Usage, rag_pb2.Usage, set()),
    (answers.StageTiming, rag_pb2.StageTiming, set()),
    (answers.Timings, rag_pb2.Timings, set()),
    (Blocked, rag_pb2.Blocked, set()),
    (answers.QueryResponse, rag_pb2.QueryResponse, set()),
    (answers.SearchResponse, rag_pb2.SearchResponse, set()),
    (answers.SourcesEvent, rag_pb2.SourcesEvent, set()),
    (answers.DeltaEvent, rag_pb2.DeltaEvent, set()),
    (DocumentInput, rag_pb2.Document, set()),
    (Outcome, rag_pb2.Outcome, set()),
    (DocumentsResponse, rag_pb2.PutDocumentsResponse, set()),
    (DocumentInfo, rag_pb2.DocumentInfo, set()),
    (DocumentList, rag_pb2.ListDocumentsResponse, set()),
    (DeletedDocument, rag_pb2.DeleteDocumentResponse, set()),
]
ONLY_HTTP = {"stream", "deleted"}
"""What a method says by being the one that it is."""


@pytest.mark.parametrize(
    ("form", "message", "more"), SAME, ids=lambda one: getattr(one, "__name__", "")
)
def test_a_message_has_the_fields_of_its_form(
    form: type[BaseModel], message: Any, more: set[str]
) -> None:
    named = {field.alias or name for name, field in form.model_fields.items()}
    assert set(message.DESCRIPTOR.fields_by_name) == (named - ONLY_HTTP) | more


async def test_a_question_is_answered_with_its_sources(loaded: Service) -> None:
    answer = await loaded.call("Query", QUESTION)
    assert loaded.context.code is None
    assert "Paris is the capital of France." in answer.answer
    assert answer.grounded
    assert answer.release == "one"
    assert answer.sources[0].document_id == "paris"
    assert answer.sources[0].index == 1
    assert answer.citations[0].source in {source.index for source in answer.sources}
    assert answer.usage.total_tokens > 0
    assert set(answer.timings.stages) >= {"embedder", "retriever", "reranker", "generator"}
    assert not answer.HasField("blocked")


async def test_a_stream_has_sources_pieces_and_the_whole(loaded: Service) -> None:
    events = await loaded.stream("StreamQuery", QUESTION)
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds[0] == "sources"
    assert kinds[-1] == "done"
    assert {"delta", "citation"} == set(kinds[1:-1])
    done = events[-1].done
    pieces = [event.delta.text for event in events if event.WhichOneof("event") == "delta"]
    assert "".join(pieces) == done.answer
    cited = [event.citation for event in events if event.WhichOneof("event") == "citation"]
    assert cited == list(done.citations)
    assert events[0].sources.sources
    assert not done.sources
    assert done.usage.total_tokens > 0


async def test_a_search_returns_chunks(loaded: Service) -> None:
    found = await loaded.call("Search", rag_pb2.SearchRequest(query="capital", top_n=2))
    assert [hit.index for hit in found.results] == [1, 2]
    assert {hit.document_id for hit in found.results} == {"paris", "tokyo"}
    assert found.release == "one"


async def test_options_are_those_of_http(loaded: Service) -> None:
    await loaded.call("PutDocuments", _with_metadata("eu", 3))
    request = rag_pb2.SearchRequest(query="capital", top_k=50)
    request.filter.update({"$and": [{"area": "eu"}, {"rank": {"$gte": 3}}]})
    found = await loaded.call("Search", request)
    assert [hit.document_id for hit in found.results] == ["area-eu"]
    assert dict(found.results[0].metadata) == {"area": "eu", "rank": 3}


def _with_metadata(area: str, rank: int) -> rag_pb2.PutDocumentsRequest:
    document = rag_pb2.Document(id=f"area-{area}", text=f"The capital of {area}.")
    document.metadata.update({"area": area, "rank": rank})
    return rag_pb2.PutDocumentsRequest(documents=[document])


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (rag_pb2.QueryRequest(), "query"),
        (rag_pb2.QueryRequest(query="  "), "query"),
        (rag_pb2.QueryRequest(query="x", top_k=0), "top_k"),
        (rag_pb2.QueryRequest(query="x", mode="both"), "mode"),
        (rag_pb2.QueryRequest(query="x", temperature=3.0), "temperature"),
        (rag_pb2.QueryRequest(query="x", top_p=float("nan")), "top_p"),
    ],
    ids=["missing", "blank", "too-small", "no-mode", "too-hot", "no-number"],
)
async def test_what_is_against_the_schema_is_refused_by_name(
    loaded: Service, request_: Any, field: str
) -> None:
    await loaded.call("Query", request_)
    assert loaded.context.code is StatusCode.INVALID_ARGUMENT
    assert loaded.context.problem["code"] == "invalid_request"
    assert loaded.context.problem["errors"][0]["field"] == field
    assert await loaded.stream("StreamQuery", request_) == []
    assert loaded.context.problem["errors"][0]["field"] == field


async def test_what_a_generator_cannot_honour_is_refused_by_name(loaded: Service) -> None:
    request = rag_pb2.QueryRequest(query=QUESTION.query)
    request.structured_outputs.choice.extend(["yes", "no"])
    await loaded.call("Query", request)
    assert loaded.context.problem["code"] == "unsupported_field"


async def test_a_conversation_is_refused_where_none_are_kept(loaded: Service) -> None:
    await loaded.call("Query", rag_pb2.QueryRequest(query="x", conversation_id="conv_" + "0" * 32))
    assert loaded.context.problem["code"] in ("unsupported_field", "invalid_request")


def test_every_way_to_write_an_answer_arrives() -> None:
    request = rag_pb2.QueryRequest(
        query="x",
        max_tokens=7,
        min_tokens=1,
        temperature=0.5,
        top_p=0.9,
        min_p=0.1,
        presence_penalty=-0.5,
        frequency_penalty=0.5,
        repetition_penalty=1.1,
        seed=-(2**63),
        stop=["a", "b"],
        ignore_eos=True,
        logit_bias={7: -1.5},
        cache=rag_pb2.CacheOptions(use=False),
        timeout_s=3.0,
    )
    request.structured_outputs.json.update({"type": "object"})
    body = form_of(answers.QueryRequest, request)
    sampling = body.sampling()
    assert (sampling.max_tokens, sampling.min_tokens, sampling.seed) == (7, 1, -(2**63))
    assert (sampling.temperature, sampling.top_p, sampling.min_p) == (0.5, 0.9, 0.1)
    assert (sampling.presence_penalty, sampling.frequency_penalty) == (-0.5, 0.5)
    assert sampling.repetition_penalty == 1.1
    assert (sampling.stop, sampling.ignore_eos) == (("a", "b"), True)
    assert dict(sampling.logit_bias) == {7: -1.5}
    assert sampling.output_format.json_schema == {"type": "object"}
    assert body.cache is not None
    assert not body.cache.use


def test_what_is_not_set_is_left_to_the_release() -> None:
    assert fields_of(rag_pb2.QueryRequest(query="x")) == {"query": "x"}


async def test_an_equal_question_over_both_ways_has_the_same_answer(loaded: Service) -> None:
    import httpx

    from app.api.application import create_app
    from app.settings.cold.gateway import GatewayArgs

    transport = httpx.ASGITransport(create_app(loaded.gateway, GatewayArgs()))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        over_http = (await client.post("/v1/query", json={"query": QUESTION.query})).json()
    over_grpc = fields_of(await loaded.call("Query", QUESTION, Context()))
    for name in ("answer", "grounded", "citations", "release", "model", "prompt", "finish_reason"):
        got = over_grpc.get(name)
        if name == "citations":
            got = [{"start": 0, **one} for one in got or []]
        assert got == over_http[name], name
    assert [one["text"] for one in over_grpc["sources"]] == [
        one["text"] for one in over_http["sources"]
    ]
    assert over_http["sources"][0]["text"] == TEXTS["paris"]
