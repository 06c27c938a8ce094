"""`POST /v1/query` and `POST /v1/search`."""

import time

from fastapi import APIRouter, Response

from app.api.dependencies import JSON_BODY, ReleasesIn, ScopeIn
from app.api.schemas.answers import (
    Citation,
    QueryRequest,
    QueryResponse,
    SearchRequest,
    SearchResponse,
    Source,
    StageTiming,
    Timings,
    Usage,
)
from app.api.schemas.wire import problem_responses
from app.pipeline import Question, Trail, answer, search
from app.releases import Releases
from app.request_scope import RequestScope
from deployments.contracts import ScoredChunk

router = APIRouter(tags=["answers"])
RELEASE_HEADER = "X-Ragserve-Release"


@router.post("/v1/query", dependencies=JSON_BODY, responses=problem_responses(413, 415))
async def query(
    body: QueryRequest, scope: ScopeIn, releases: ReleasesIn, response: Response
) -> QueryResponse:
    """Answers a question from the documents, with its sources."""
    answered = await answer_query(body, scope, releases)
    response.headers[RELEASE_HEADER] = answered.release
    return answered


async def answer_query(
    body: QueryRequest, scope: RequestScope, releases: Releases
) -> QueryResponse:
    """Returns the answer to one question on the wire."""
    started_s, trail = time.perf_counter(), Trail()
    route = releases.assign(_sticky_key(body, scope.request_id))
    found = await answer(_question(body), route, scope.for_release(route.name), trail)
    written = found.generation
    return QueryResponse(
        id=scope.request_id,
        answer=written.text,
        grounded=written.grounded,
        citations=[Citation.model_validate(one) for one in written.citations],
        sources=[_source(hit) for hit in found.sources],
        release=route.name,
        model=written.model,
        finish_reason=written.finish_reason,
        degraded=trail.degraded,
        usage=Usage(
            prompt_tokens=written.prompt_tokens,
            completion_tokens=written.completion_tokens,
            total_tokens=written.prompt_tokens + written.completion_tokens,
            embedding_tokens=trail.embedding_tokens,
            rerank_tokens=trail.rerank_tokens,
        ),
        timings=_timings(trail, started_s),
    )


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
        results=[_source(hit) for hit in hits],
        release=route.name,
        degraded=trail.degraded,
        timings=_timings(trail, started_s),
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


def _source(hit: ScoredChunk) -> Source:
    chunk = hit.chunk
    return Source(
        index=hit.rank,
        document_id=chunk.document_id,
        chunk_id=chunk.id,
        path=chunk.path,
        title=chunk.title,
        heading=chunk.heading,
        page=chunk.page,
        score=hit.score,
        text=chunk.text,
        metadata=dict(chunk.metadata),
    )


def _timings(trail: Trail, started_s: float) -> Timings:
    return Timings(
        total_ms=(time.perf_counter() - started_s) * 1e3,
        stages={name: StageTiming.model_validate(spent) for name, spent in trail.times.items()},
    )
