"""`/v1/vector_stores/{id}/files`: the files of the store, which are all there are."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from app.access.route_scopes import needs
from app.api.documents.indexes import delete_everywhere
from app.api.files.attributes import set_attributes, source_of
from app.api.files.files import FileIdIn
from app.api.files.listing import PlaceIn, ends_of, page_after
from app.api.files.store import IN_STORE
from app.api.requests.caller import CALLERS
from app.api.requests.dependencies import JSON_BODY, ArgsIn, GatewayIn, ReleasesIn, ScopeIn
from app.api.wire.files import store_file_of
from app.schemas.files.store_files import (
    AttachedFile,
    AttributesChange,
    DeletedStoreFile,
    FileContent,
    FileText,
    StoreFile,
    StoreFileList,
)
from app.schemas.wire import problem_responses
from deployments.contracts.documents import DocumentPage

router = APIRouter(
    prefix="/v1/vector_stores/{vector_store_id}/files",
    tags=["files"],
    dependencies=[needs("query"), *CALLERS, *IN_STORE],
)
_ONE = "/{file_id}"


@router.post(
    "",
    dependencies=[needs("ingest"), *JSON_BODY],
    responses=problem_responses(401, 403, 409, 413, 415),
)
async def attach_file(
    body: AttachedFile, scope: ScopeIn, gateway: GatewayIn, args: ArgsIn
) -> StoreFile:
    """Gives a file its attributes, beside what it says of itself; in the store it is already."""
    scope = scope.within(args.ingest_timeout_s)
    retriever = gateway.releases.main().retrieval.retriever
    record = await retriever.document(body.file_id, call=scope.call())
    attributes = {**record.metadata, **(body.attributes or {})}
    return store_file_of(await set_attributes(record, attributes, gateway, scope, args))


@router.get("", responses=problem_responses(401, 403))
async def list_store_files(
    place: PlaceIn,
    scope: ScopeIn,
    releases: ReleasesIn,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    filter: Annotated[
        Literal["in_progress", "completed", "failed", "cancelled"],
        Query(description="Every file there is is `completed`."),
    ] = "completed",
) -> StoreFileList:
    """Lists the files of the store in order of arrival."""
    page = DocumentPage((), None)
    if filter == "completed":
        page = await page_after(place, limit, releases.main().retrieval.retriever, scope)
    first_id, last_id = ends_of(page.records)
    return StoreFileList(
        data=[store_file_of(record) for record in page.records],
        first_id=first_id,
        last_id=last_id,
        has_more=page.next_sequence is not None,
    )


@router.get(_ONE, responses=problem_responses(401, 403))
async def get_store_file(file_id: FileIdIn, scope: ScopeIn, releases: ReleasesIn) -> StoreFile:
    """Returns what the index knows of a file."""
    retriever = releases.main().retrieval.retriever
    return store_file_of(await retriever.document(file_id, call=scope.call()))


@router.post(
    _ONE,
    dependencies=[needs("ingest"), *JSON_BODY],
    responses=problem_responses(401, 403, 409, 413, 415),
)
async def change_store_file(
    file_id: FileIdIn, body: AttributesChange, scope: ScopeIn, gateway: GatewayIn, args: ArgsIn
) -> StoreFile:
    """Gives a file attributes in place of all that it has."""
    scope = scope.within(args.ingest_timeout_s)
    record = await gateway.releases.main().retrieval.retriever.document(file_id, call=scope.call())
    changed = await set_attributes(record, body.attributes or {}, gateway, scope, args)
    return store_file_of(changed)


@router.delete(_ONE, dependencies=[needs("ingest")], responses=problem_responses(401, 403))
async def delete_store_file(
    file_id: FileIdIn, scope: ScopeIn, gateway: GatewayIn, args: ArgsIn
) -> DeletedStoreFile:
    """Removes a file from the store; as it is kept nowhere else, it is gone."""
    await delete_everywhere(file_id, gateway, scope, args)
    return DeletedStoreFile(id=file_id)


@router.get(f"{_ONE}/content", responses=problem_responses(401, 403, 409))
async def get_store_file_content(
    file_id: FileIdIn, scope: ScopeIn, releases: ReleasesIn
) -> FileContent:
    """Returns the text of a file as it was read, in its parts."""
    retriever = releases.main().retrieval.retriever
    record = await retriever.document(file_id, call=scope.call())
    document = await source_of(record, retriever, scope)
    return FileContent(data=[FileText(text=part.text) for part in document.parts])
