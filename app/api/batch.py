"""`POST /v1/query/batch`: many questions in one request."""

from typing import Annotated, cast

from fastapi import APIRouter

from app.access.route_scopes import needs
from app.api.answers import answer_query
from app.api.requests.bodies import note_cache_options, tolerant
from app.api.requests.caller import Caller, CallerIn
from app.api.requests.dependencies import JSON_BODY, GatewayIn, ScopeIn
from app.api.requests.work import work_of_search
from app.gateway import Gateway
from app.problems import problem_body
from app.request.scope import RequestScope
from app.schemas.answers import BatchItem, BatchRequest, BatchResponse, QueryItem, WrongItem
from app.schemas.wire import Problem, problem_responses
from app.telemetry.inner import reported
from deployments.contracts.errors import MalformedRequest, RagError
from deployments.contracts.field_errors import invalid_fields
from deployments.serving.concurrently import gather_or_cancel

PATH = "/v1/query/batch"
router = APIRouter(tags=["answers"], dependencies=[needs("query")])


@router.post(PATH, dependencies=JSON_BODY, responses=problem_responses(401, 403, 413, 415))
async def query_batch(
    body: Annotated[BatchRequest, tolerant(BatchRequest)],
    scope: ScopeIn,
    gateway: GatewayIn,
    caller: CallerIn,
) -> BatchResponse:
    """Answers up to 64 questions at once; one that fails has a problem in its place.

    The questions share the models' batches with each other and with everybody else's.
    """
    if not body.queries:
        raise MalformedRequest("Send at least one query.")
    items = cast(list[QueryItem | WrongItem], body.queries)
    scope.weigh(sum(work_of_search(item) for item in items if isinstance(item, QueryItem)) or 1)
    results = await gather_or_cancel(
        *(_item(index, item, scope, gateway, caller) for index, item in enumerate(items))
    )
    return BatchResponse(id=scope.request_id, request_id=scope.request_id, results=list(results))


async def _item(
    index: int, item: QueryItem | WrongItem, scope: RequestScope, gateway: Gateway, caller: Caller
) -> BatchItem:
    own = scope.child(f"{scope.request_id}-{index}")
    try:
        with reported(gateway.telemetry, own, "item", route=PATH):
            if isinstance(item, WrongItem):
                raise invalid_fields(item.errors, item.value)
            if index:  # the first one is the request itself
                await own.spending.count_request()
            note_cache_options(item, own)
            answer = await answer_query(item, own, gateway, caller)
        return BatchItem(index=index, answer=answer)
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
