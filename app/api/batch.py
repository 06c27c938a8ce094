"""`POST /v1/query/batch`: many questions in one request."""

import asyncio
from dataclasses import replace

from fastapi import APIRouter

from app.admission import note_wait, waiting
from app.api.answers import answer_query
from app.api.dependencies import JSON_BODY, ReleasesIn, ScopeIn
from app.api.schemas.answers import BatchItem, BatchRequest, BatchResponse, SearchRequest
from app.api.schemas.wire import Problem, problem_responses
from app.problems import problem_body
from app.releases import Releases
from app.request_scope import RequestScope
from deployments.errors import MalformedRequest, RagError

PATH = "/v1/query/batch"
router = APIRouter(tags=["answers"])


@router.post(PATH, dependencies=JSON_BODY, responses=problem_responses(413, 415))
async def query_batch(body: BatchRequest, scope: ScopeIn, releases: ReleasesIn) -> BatchResponse:
    """Answers up to 64 questions at once; one that fails has a problem in its place.

    The questions share the models' batches with each other and with everybody else's.
    """
    if not body.queries:
        raise MalformedRequest("Send at least one query.")
    with waiting() as own:
        results = await asyncio.gather(
            *(_item(index, query, scope, releases) for index, query in enumerate(body.queries))
        )
    # What one question waited: that the others of the same request wait for it is its own doing.
    note_wait(own.total_s / len(body.queries) ** 2)
    return BatchResponse(id=scope.request_id, results=results)


async def _item(
    index: int, query: SearchRequest, scope: RequestScope, releases: Releases
) -> BatchItem:
    own = replace(scope, request_id=f"{scope.request_id}-{index}")
    try:
        return BatchItem(index=index, answer=await answer_query(query, own, releases))
    except RagError as error:
        body = problem_body(
            error.code,
            str(error),
            request_id=own.request_id,
            instance=f"{PATH}#{index}",
            errors=error.errors,
        )
        return BatchItem(
            index=index,
            problem=Problem.model_validate(body),
            retry_after_s=error.retry_after_s,
        )
