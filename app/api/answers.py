"""`POST /v1/query` and `POST /v1/search`."""

import time

from fastapi import APIRouter, Response

from app.api.dependencies import JSON_BODY, ArgsIn, ReleasesIn, ScopeIn
from app.api.query_events import EVENTS, query_events, query_response
from app.api.schemas.answers import QueryRequest, QueryResponse, SearchRequest, SearchResponse
from app.api.schemas.wire import problem_responses
from app.api.streaming import EventStream
from app.api.wire_values import source_of, timings_of
from app.config import GatewayArgs
from app.pipeline import answer, stream_answer
from app.releases import Releases
from app.request_scope import RequestScope
from app.search import Question, search
from app.trail import Trail

router = APIRouter(tags=["answers"])
RELEASE_HEADER = "X-Ragserve-Release"


@router.post(
    "/v1/query",
    dependencies=JSON_BODY,
    response_model=QueryResponse,
    responses=problem_responses(413, 415, 429, 502) | EVENTS,
)
async def query(body: QueryRequest, scope: ScopeIn, releases: ReleasesIn, args: ArgsIn) -> Response:
    """Answers a question from the documents, with its sources."""
    if body.stream:
        return await _stream_query(body, scope, releases, args)
    answered = await answer_query(body, scope, releases)
    return Response(
        answered.model_dump_json(),
        media_type="application/json",
        headers={RELEASE_HEADER: answered.release},
    )


async def answer_query(
    body: SearchRequest, scope: RequestScope, releases: Releases
) -> QueryResponse:
    """Returns the answer to one question on the wire."""
    started_s, trail = time.perf_counter(), Trail()
    route = releases.assign(_sticky_key(body, scope.request_id))
    found = await answer(_question(body), route, scope.for_release(route.name), trail)
    return query_response(scope, route, found, trail, started_s)


async def _stream_query(
    body: QueryRequest, scope: RequestScope, releases: Releases, args: GatewayArgs
) -> EventStream:
    started_s, trail = time.perf_counter(), Trail()
    route = releases.assign(_sticky_key(body, scope.request_id))
    begun = await stream_answer(
        _question(body),
        route,
        scope.for_release(route.name),
        trail,
        timeout_s=args.stream_timeout_s,
    )
    events = query_events(begun, scope, route, trail, started_s)
    return EventStream(events, keep_alive_s=args.keep_alive_s, headers={RELEASE_HEADER: route.name})


@router.post("/v1/search", dependencies=JSON_BODY, responses=problem_responses(413, 415))
async def search_chunks(
    body: SearchRequest, scope: ScopeIn, releases: ReleasesIn, response: Response
) -> SearchResponse:
    """Finds the chunks that fit a question best, without writing an answer."""
    started_s, trail = time.perf_counter(), Trail()
    route = releases.assign(_sticky_key(body, scope.request_id))
    hits = await search(_question(body), route, scope.for_release(route.name), trail)
    response.headers[RELEASE_HEADER] = route.name
    return SearchResponse(
        id=scope.request_id,
        results=[source_of(hit) for hit in hits],
        release=route.name,
        degraded=trail.degraded,
        timings=timings_of(trail, started_s),
    )


def _question(body: SearchRequest) -> Question:
    return Question(
        text=body.query,
        top_k=body.top_k,
        top_n=body.top_n,
        rerank=body.rerank,
        where=body.filter or None,
    )


def _sticky_key(body: SearchRequest, request_id: str) -> str:
    return body.session_id or body.user or request_id
