"""`/v1/batches` in OpenAI's form: begin a batch, look at it, list them, cancel one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from app.access.route_scopes import needs
from app.api.batches.creating import BODY, EndpointIn, FileNameIn, WindowIn, read_request
from app.api.batches.keeper import KeeperIn, OwnerIn
from app.api.requests.caller import CALLERS, CallerIn
from app.api.requests.dependencies import ArgsIn, ScopeIn
from app.api.wire.batches import batch_object
from app.schemas.batches import BATCH_ID, BatchList, BatchObject
from app.schemas.wire import problem_responses
from deployments.batches.ingestion import INGESTION_PREFIX
from deployments.contracts.errors import NotFound

router = APIRouter(prefix="/v1/batches", tags=["batches"], dependencies=[needs("query"), *CALLERS])
_MAX_PAGE = 100


async def batch_id(
    batch_id: Annotated[str, Path(min_length=1, max_length=256, examples=[BATCH_ID])],
) -> str:
    """Returns the id of a batch of requests.

    Raises:
        NotFound: it is that of an ingestion, which is looked at elsewhere.
    """
    if batch_id.startswith(INGESTION_PREFIX):
        raise NotFound(f"There is no batch '{batch_id}'; see GET /v1/ingestions/{batch_id}.")
    return batch_id


BatchIdIn = Annotated[str, Depends(batch_id)]


@router.post("", openapi_extra=BODY, responses=problem_responses(401, 403, 409, 413, 415))
async def create_batch(
    request: Request,
    keeper: KeeperIn,
    scope: ScopeIn,
    caller: CallerIn,
    args: ArgsIn,
    endpoint: EndpointIn = None,
    completion_window: WindowIn = "24h",
    filename: FileNameIn = None,
) -> BatchObject:
    """Begins a batch: of a file that was uploaded with the purpose `batch`, or of lines in the
    body, each a request in OpenAI's form or, as `text/plain`, a question.

    A file whose form is wrong is a batch with the status `failed`, which says what is wrong with
    which line. What is wrong inside a line is the result of that line.
    """
    scope = scope.within(args.ingest_timeout_s)
    wanted = await read_request(
        request,
        keeper,
        scope,
        caller,
        endpoint=endpoint,
        window=completion_window,
        filename=filename,
    )
    return batch_object(await keeper.create(wanted, call=scope.call()))


@router.get("", responses=problem_responses(401, 403))
async def list_batches(
    keeper: KeeperIn,
    scope: ScopeIn,
    owner: OwnerIn,
    after: Annotated[
        str | None, Query(max_length=256, description="The last batch of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=_MAX_PAGE)] = 20,
) -> BatchList:
    """Lists the caller's batches, newest first."""
    found = await keeper.batches(
        "requests", after=after, limit=limit + 1, owner=owner, call=scope.call()
    )
    page = [batch_object(batch) for batch in found[:limit]]
    return BatchList(
        data=page,
        first_id=page[0].id if page else None,
        last_id=page[-1].id if page else None,
        has_more=len(found) > limit,
    )


@router.get("/{batch_id}", responses=problem_responses(401, 403))
async def retrieve_batch(
    batch_id: BatchIdIn, keeper: KeeperIn, scope: ScopeIn, owner: OwnerIn
) -> BatchObject:
    """Returns a batch, and how many of its lines are done."""
    return batch_object(await keeper.batch(batch_id, owner=owner, call=scope.call()))


@router.post("/{batch_id}/cancel", responses=problem_responses(401, 403, 409))
async def cancel_batch(
    batch_id: BatchIdIn, keeper: KeeperIn, scope: ScopeIn, owner: OwnerIn
) -> BatchObject:
    """Has no further line begun. Those under way end, and what was answered stays."""
    return batch_object(await keeper.cancel(batch_id, owner=owner, call=scope.call()))
