"""`/v1/ingestions`: look at an ingestion, its documents and its events; list them, cancel one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from app.access.route_scopes import needs
from app.api.batches.keeper import KeeperIn, OwnerIn
from app.api.ingestions.events import ingestion_events
from app.api.requests.caller import CALLERS
from app.api.requests.dependencies import ArgsIn, ScopeIn
from app.api.wire.ingestions import ingestion_of, source_of
from app.api.wire.streaming import EventStream, encode_event, end_honestly, event_stream_content
from app.problems import problem_body
from app.schemas.ingestions import INGESTION_ID, Ingestion, IngestionList, IngestionSources
from app.schemas.wire import problem_responses
from deployments.batches.ingestion import INGESTION_PREFIX
from deployments.contracts.errors import NotFound, RagError

PATH = "/v1/ingestions"
router = APIRouter(prefix=PATH, tags=["documents"], dependencies=[needs("ingest"), *CALLERS])
_MAX_PAGE = 100
_MAX_SOURCES = 1000


async def ingestion_id(
    ingestion_id: Annotated[str, Path(min_length=1, max_length=256, examples=[INGESTION_ID])],
) -> str:
    """Returns the id of an ingestion; raises NotFound where it is that of another batch."""
    if not ingestion_id.startswith(INGESTION_PREFIX):
        raise NotFound(f"There is no ingestion '{ingestion_id}'.")
    return ingestion_id


IngestionIdIn = Annotated[str, Depends(ingestion_id)]


@router.get("", responses=problem_responses(401, 403))
async def list_ingestions(
    keeper: KeeperIn,
    scope: ScopeIn,
    owner: OwnerIn,
    after: Annotated[
        str | None, Query(max_length=256, description="The last ingestion of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=_MAX_PAGE)] = 20,
) -> IngestionList:
    """Lists the caller's ingestions, newest first."""
    found = await keeper.batches(
        "ingestions", after=after, limit=limit + 1, owner=owner, call=scope.call()
    )
    page = [ingestion_of(batch) for batch in found[:limit]]
    return IngestionList(
        data=page, last_id=page[-1].id if page else None, has_more=len(found) > limit
    )


@router.get("/{ingestion_id}", responses=problem_responses(401, 403))
async def retrieve_ingestion(
    ingestion_id: IngestionIdIn, keeper: KeeperIn, scope: ScopeIn, owner: OwnerIn
) -> Ingestion:
    """Returns an ingestion, and how many of its documents are read."""
    return ingestion_of(await keeper.batch(ingestion_id, owner=owner, call=scope.call()))


@router.get("/{ingestion_id}/sources", responses=problem_responses(401, 403))
async def list_ingestion_sources(
    ingestion_id: IngestionIdIn,
    keeper: KeeperIn,
    scope: ScopeIn,
    owner: OwnerIn,
    after: Annotated[
        int, Query(ge=0, description="`number` of the last document of the page before.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=_MAX_SOURCES)] = 100,
) -> IngestionSources:
    """Lists the documents of an ingestion, each with its state and, where it failed, the reason."""
    # Places count from 0, numbers from 1: what has the place `after` comes after that number.
    found = await keeper.sources(
        ingestion_id, after=after - 1, limit=limit + 1, owner=owner, call=scope.call()
    )
    page = [source_of(one) for one in found[:limit]]
    return IngestionSources(data=page, next_after=page[-1].number if len(found) > limit else None)


@router.post("/{ingestion_id}/cancel", responses=problem_responses(401, 403, 409))
async def cancel_ingestion(
    ingestion_id: IngestionIdIn, keeper: KeeperIn, scope: ScopeIn, owner: OwnerIn
) -> Ingestion:
    """Has no further document begun. Those under way end, and what was read stays."""
    return ingestion_of(await keeper.cancel(ingestion_id, owner=owner, call=scope.call()))


@router.get(
    "/{ingestion_id}/events",
    response_class=Response,
    responses={200: {"content": event_stream_content()}, **problem_responses(401, 403)},
)
async def stream_ingestion_events(
    ingestion_id: IngestionIdIn, keeper: KeeperIn, scope: ScopeIn, owner: OwnerIn, args: ArgsIn
) -> EventStream:
    """Streams an ingestion: `source` for each document once something has come of it, `progress`
    with the ingestion whenever it has changed, and `end` when it has ended. Whoever loses the
    stream asks for it again: it tells all that has ended from the first document on."""
    await keeper.batch(ingestion_id, owner=owner, call=scope.call())
    events = ingestion_events(ingestion_id, keeper, scope, owner)

    def as_event(error: RagError) -> bytes:
        instance = f"{PATH}/{ingestion_id}/events"
        body = problem_body(error.code, str(error), request_id=scope.request_id, instance=instance)
        return encode_event(body, "error")

    return EventStream(
        end_honestly(events, scope, as_event), keep_alive_s=args.keep_alive_s, headers={}
    )
