"""`POST /v1/query` and `POST /v1/search`."""

import time
from typing import Annotated

from fastapi import APIRouter, Response

from app.access.route_scopes import needs
from app.answering.ask import from_documents
from app.answering.question import Question
from app.answering.written import Answer
from app.api.bodies import tolerant
from app.api.caller import RELEASE_HEADER, Caller, CallerIn, release_header
from app.api.dependencies import JSON_BODY, ArgsIn, GatewayIn, ScopeIn
from app.api.expected_use import reserve_answer
from app.api.moderation.requests import checked_question
from app.api.wire.query_events import EVENTS, query_events, query_response
from app.api.wire.streaming import EventStream
from app.api.wire.values import source_of, timings_of
from app.api.work import work_of_search
from app.gateway import Gateway
from app.releases.assignment import Assignment
from app.request.scope import RequestScope
from app.schemas.answers import (
    QueryRequest,
    QueryResponse,
    SearchRequest,
    SearchResponse,
    WrittenQuery,
)
from app.schemas.wire import problem_responses
from app.settings.gateway import GatewayArgs
from deployments.contracts.generation import Message, Sampling, collect

router = APIRouter(tags=["answers"], dependencies=[needs("query")])
_UNSAID = Sampling()


@router.post(
    "/v1/query",
    dependencies=JSON_BODY,
    response_model=QueryResponse,
    responses=problem_responses(401, 403, 413, 415, 429, 502) | EVENTS,
)
async def query(
    body: Annotated[QueryRequest, tolerant(QueryRequest)],
    scope: ScopeIn,
    gateway: GatewayIn,
    caller: CallerIn,
    args: ArgsIn,
) -> Response:
    """Answers a question from the documents, with its sources."""
    if body.stream:
        return await _stream_query(body, scope, gateway, caller, args)
    answered = await answer_query(body, scope, gateway, caller)
    return Response(
        answered.model_dump_json(),
        media_type="application/json",
        headers={RELEASE_HEADER: answered.release},
    )


async def answer_query(
    body: WrittenQuery, scope: RequestScope, gateway: Gateway, caller: Caller
) -> QueryResponse:
    """Returns the answer to one question on the wire."""
    started_s = time.perf_counter()
    assignment = assign(body, scope, gateway, caller)
    question = await checked_question(_question(body, body.sampling()), assignment, scope, gateway)
    await _reserve(body, body.sampling(), assignment, scope, gateway)
    served = await gateway.dispatcher.begin(
        from_documents(question),
        assignment,
        scope,
        timeout_s=scope.call().timeout_s,
        whole=True,
    )
    written = await collect(served.value.events)
    answer = Answer(written, tuple(served.value.sources))
    return query_response(answer, served.release, served.record, scope, started_s)


async def _stream_query(
    body: QueryRequest, scope: RequestScope, gateway: Gateway, caller: Caller, args: GatewayArgs
) -> EventStream:
    started_s = time.perf_counter()
    assignment = assign(body, scope, gateway, caller)
    question = await checked_question(_question(body, body.sampling()), assignment, scope, gateway)
    await _reserve(body, body.sampling(), assignment, scope, gateway)
    served = await gateway.dispatcher.begin(
        from_documents(question),
        assignment,
        scope,
        timeout_s=args.stream_timeout_s,
    )
    scope.closes(served.value.events)
    events = query_events(served.value, served.release, served.record, scope, started_s)
    headers = release_header(served.release)
    return EventStream(events, keep_alive_s=args.keep_alive_s, headers=headers)


@router.post("/v1/search", dependencies=JSON_BODY, responses=problem_responses(401, 403, 413, 415))
async def search_chunks(
    body: Annotated[SearchRequest, tolerant(SearchRequest)],
    scope: ScopeIn,
    gateway: GatewayIn,
    caller: CallerIn,
    response: Response,
) -> SearchResponse:
    """Finds the chunks that fit a question best, without writing an answer."""
    started_s = time.perf_counter()
    assignment = assign(body, scope, gateway, caller)
    question = await checked_question(_question(body), assignment, scope, gateway)
    await _reserve(body, _UNSAID, assignment, scope, gateway, writes=False)
    served = await gateway.dispatcher.search(question, assignment, scope)
    response.headers.update(release_header(served.release))
    return SearchResponse(
        id=scope.request_id,
        request_id=scope.request_id,
        results=[source_of(hit) for hit in served.value],
        release=served.release or "",
        degraded=served.record.degraded,
        timings=timings_of(served.record, started_s),
    )


def assign(
    body: SearchRequest, scope: RequestScope, gateway: Gateway, caller: Caller
) -> Assignment:
    """Returns who answers a request, and has it count as the work that it is."""
    scope.weigh(work_of_search(body))
    scope.notes.identify(session=body.session_id, user=body.user)
    return caller.assign(gateway.releases, scope)


async def _reserve(
    body: SearchRequest,
    sampling: Sampling,
    assignment: Assignment,
    scope: RequestScope,
    gateway: Gateway,
    *,
    writes: bool = True,
) -> None:
    asked = (Message("user", body.query),)
    await reserve_answer(
        asked, sampling, assignment, scope, gateway, top_n=body.top_n, writes=writes
    )


def _question(body: SearchRequest, sampling: Sampling = _UNSAID) -> Question:
    return Question(
        text=body.query,
        sampling=sampling,
        queries=tuple(body.queries),
        mode=body.mode,
        top_k=body.top_k,
        top_n=body.top_n,
        rerank=body.rerank,
        where=body.filter or None,
    )
