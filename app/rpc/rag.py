"""`ragserve.v1.Rag`: questions and searches."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from app.api.answers import answer_turn, search, stream_answer
from app.api.requests.bodies import note_cache_options
from app.api.wire.query_events import AnswerEvent, DoneEvent
from app.rpc.calls import RpcCall
from app.rpc.messages import form_of, message_of
from app.schemas.answers import Citation, DeltaEvent, QueryRequest, SearchRequest, SourcesEvent
from ragserve.v1 import rag_pb2


async def query(call: RpcCall, request: rag_pb2.QueryRequest) -> rag_pb2.QueryResponse:
    """Answers a question from the documents."""
    body = form_of(QueryRequest, request)
    note_cache_options(body, call.scope)
    answer = await answer_turn(body, call.scope, call.gateway, call.caller())
    return message_of(rag_pb2.QueryResponse, answer)


async def stream_query(
    call: RpcCall, request: rag_pb2.QueryRequest
) -> AsyncGenerator[rag_pb2.StreamQueryResponse, None]:
    """Yields an answer while it is written."""
    body = form_of(QueryRequest, request)
    note_cache_options(body, call.scope)
    timeout_s = min(call.args.stream_timeout_s, call.timeout_s)
    events, _ = await stream_answer(
        body, call.scope, call.gateway, call.caller(), timeout_s=timeout_s
    )
    async with aclosing(events):
        async for event in events:
            yield _message_of(event)


async def search_chunks(call: RpcCall, request: rag_pb2.SearchRequest) -> rag_pb2.SearchResponse:
    """Finds the chunks that fit a question best."""
    body = form_of(SearchRequest, request)
    return message_of(
        rag_pb2.SearchResponse, await search(body, call.scope, call.gateway, call.caller())
    )


def _message_of(event: AnswerEvent) -> rag_pb2.StreamQueryResponse:
    match event:
        case DeltaEvent():
            return rag_pb2.StreamQueryResponse(delta=rag_pb2.DeltaEvent(text=event.text))
        case Citation():
            citation = rag_pb2.Citation(start=event.start, end=event.end, source=event.source)
            return rag_pb2.StreamQueryResponse(citation=citation)
        case SourcesEvent():
            return rag_pb2.StreamQueryResponse(sources=message_of(rag_pb2.SourcesEvent, event))
        case DoneEvent():
            done = message_of(rag_pb2.QueryResponse, event.answer)
            if not event.has_new_sources:
                done.ClearField("sources")
            return rag_pb2.StreamQueryResponse(done=done)
