"""`POST /v1/query` and `POST /v1/search`."""

import time
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Response

from app.access.route_scopes import needs
from app.answering.ask import from_documents
from app.answering.question import Question
from app.answering.written import Answer, AnswerStream
from app.api.kept_conversations.turns import begin_turn, given_back_on_failure, recorded
from app.api.moderation.requests import checked_question
from app.api.requests.bodies import tolerant
from app.api.requests.caller import Caller, CallerIn, release_header
from app.api.requests.dependencies import JSON_BODY, ArgsIn, GatewayIn, ScopeIn
from app.api.requests.expected_use import reserve_answer
from app.api.requests.work import work_of_search
from app.api.wire.query_events import (
    EVENTS,
    AnswerEvent,
    answer_events,
    query_events,
    query_response,
)
from app.api.wire.streaming import EventStream
from app.api.wire.values import source_of, timings_of
from app.conversations.turn import OpenTurn
from app.dispatch.dispatcher import Served
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
from app.schemas.wire import RELEASE_HEADER, problem_responses
from deployments.contracts.generation import Message, Sampling, collect

router = APIRouter(tags=["answers"], dependencies=[needs("query")])
_UNSAID = Sampling()


@router.post(
    "/v1/query",
    dependencies=JSON_BODY,
    response_model=QueryResponse,
    responses=problem_responses(401, 403, 409, 413, 415, 429, 502) | EVENTS,
)
async def query(
    body: Annotated[QueryRequest, tolerant(QueryRequest)],
    scope: ScopeIn,
    gateway: GatewayIn,
    caller: CallerIn,
    args: ArgsIn,
) -> Response:
    """Answers a question from the documents, with its sources. With a `conversation_id` it is
    understood by what was said there before, and kept."""
    if body.stream:
        events, release = await stream_answer(
            body, scope, gateway, caller, timeout_s=args.stream_timeout_s
        )
        return EventStream(
            query_events(events, scope),
            keep_alive_s=args.keep_alive_s,
            headers=release_header(release),
        )
    answered = await answer_turn(body, scope, gateway, caller)
    return Response(
        answered.model_dump_json(),
        media_type="application/json",
        headers={RELEASE_HEADER: answered.release},
    )


async def answer_query(
    body: WrittenQuery,
    scope: RequestScope,
    gateway: Gateway,
    caller: Caller,
    turn: OpenTurn | None = None,
) -> QueryResponse:
    """Returns the answer to one question on the wire; it is a turn of a conversation where there is
    one."""
    started_s = time.perf_counter()
    timeout_s = scope.call().timeout_s
    served = await _begin(body, scope, gateway, caller, turn, timeout_s=timeout_s, whole=True)
    written = await collect(served.value.events)
    answer = Answer(written, tuple(served.value.sources))
    return query_response(answer, served.release, served.record, scope, started_s)


async def answer_turn(
    body: QueryRequest, scope: RequestScope, gateway: Gateway, caller: Caller
) -> QueryResponse:
    """Returns the answer to a question, which is a turn of the conversation that it names."""
    turn = await _turn_of(body, scope, gateway)
    return await answer_query(body, scope, gateway, caller, turn)


async def stream_answer(
    body: QueryRequest, scope: RequestScope, gateway: Gateway, caller: Caller, *, timeout_s: float
) -> tuple[AsyncGenerator[AnswerEvent, None], str | None]:
    """Returns an answer that has begun, as its events, and the release that writes it; `timeout_s`
    is the time of the whole stream."""
    started_s = time.perf_counter()
    turn = await _turn_of(body, scope, gateway)
    served = await _begin(body, scope, gateway, caller, turn, timeout_s=timeout_s, whole=False)
    scope.closes(served.value.events)
    events = answer_events(served.value, served.release, served.record, scope, started_s)
    return events, served.release


async def _turn_of(body: QueryRequest, scope: RequestScope, gateway: Gateway) -> OpenTurn | None:
    return await begin_turn(body.conversation_id, scope, gateway, user=body.user, store=body.store)


async def _begin(
    body: WrittenQuery,
    scope: RequestScope,
    gateway: Gateway,
    caller: Caller,
    turn: OpenTurn | None,
    *,
    timeout_s: float,
    whole: bool,
) -> Served[AnswerStream]:
    async with given_back_on_failure(turn):
        assignment = assign(body, scope, gateway, caller)
        question = _question(body, body.sampling(), turn)
        question = await checked_question(question, assignment, scope, gateway)
        await _reserve(body, question, assignment, scope, gateway)
        served = await gateway.dispatcher.begin(
            from_documents(question), assignment, scope, timeout_s=timeout_s, whole=whole
        )
    return await recorded(served, turn, (Message("user", question.text),), scope)


@router.post("/v1/search", dependencies=JSON_BODY, responses=problem_responses(401, 403, 413, 415))
async def search_chunks(
    body: Annotated[SearchRequest, tolerant(SearchRequest)],
    scope: ScopeIn,
    gateway: GatewayIn,
    caller: CallerIn,
    response: Response,
) -> SearchResponse:
    """Finds the chunks that fit a question best, without writing an answer."""
    found = await search(body, scope, gateway, caller)
    response.headers.update(release_header(found.release or None))
    return found


async def search(
    body: SearchRequest, scope: RequestScope, gateway: Gateway, caller: Caller
) -> SearchResponse:
    """Returns the chunks that fit a question best."""
    started_s = time.perf_counter()
    assignment = assign(body, scope, gateway, caller)
    question = await checked_question(_question(body), assignment, scope, gateway)
    await _reserve(body, question, assignment, scope, gateway, writes=False)
    served = await gateway.dispatcher.search(question, assignment, scope)
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
    # A conversation stays with its release.
    session = body.session_id or scope.notes.conversation
    scope.notes.identify(session=session, user=body.user)
    return caller.assign(gateway.releases, scope)


async def _reserve(
    body: SearchRequest,
    question: Question,
    assignment: Assignment,
    scope: RequestScope,
    gateway: Gateway,
    *,
    writes: bool = True,
) -> None:
    asked = question.messages or (Message("user", question.text),)
    await reserve_answer(
        asked, question.sampling, assignment, scope, gateway, top_n=body.top_n, writes=writes
    )


def _question(
    body: SearchRequest, sampling: Sampling = _UNSAID, turn: OpenTurn | None = None
) -> Question:
    before = () if turn is None else turn.history
    return Question(
        text=body.query,
        messages=(*before, Message("user", body.query)) if before else (),
        sampling=sampling,
        queries=tuple(body.queries),
        mode=body.mode,
        top_k=body.top_k,
        top_n=body.top_n,
        rerank=body.rerank,
        where=body.filter or None,
    )
