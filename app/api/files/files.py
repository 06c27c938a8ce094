"""`/v1/files`: a file is a document from its upload on, read and indexed before the answer; one of
a batch is only kept."""

import asyncio
import hashlib
from dataclasses import replace
from typing import Annotated, get_args

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import StreamingResponse

from app.access.principals import require
from app.access.route_scopes import needs
from app.api.batches.files import BATCH_PURPOSES, BatchFilesIn, is_batch_file
from app.api.batches.keeper import keeper_of, owner_of
from app.api.documents.indexes import delete_everywhere, write_everywhere
from app.api.files.form import BODY, field_detail, read_form
from app.api.files.listing import MAX_PAGE, Place, PlaceIn, ends_of, page_after
from app.api.requests.caller import CALLERS, CallerIn
from app.api.requests.dependencies import ArgsIn, GatewayIn, ReleasesIn, ScopeIn
from app.api.wire.batches import batch_file_object
from app.api.wire.files import attributes_of, file_metadata, file_of, purpose_of
from app.request.scope import RequestScope
from app.schemas.files.files import FILE_ID, DeletedFile, FileList, FileObject, Purpose
from app.schemas.files.stores import STORE
from app.schemas.wire import problem_responses
from deployments.contracts.documents import DocumentRecord, Upload
from deployments.contracts.errors import InvalidRequest, UnsupportedField
from deployments.contracts.stages import RetrieverStage

PATH = "/v1/files"
router = APIRouter(prefix=PATH, tags=["files"], dependencies=[needs("query"), *CALLERS])
_MAX_LIMIT = 10_000
_ID_DIGITS = 24
_PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
_JSONL = "application/jsonl"
FileIdIn = Annotated[str, Path(min_length=1, max_length=256, examples=[FILE_ID])]


@router.post(
    "",
    dependencies=[needs("ingest", "query")],
    openapi_extra=dict(BODY),
    responses=problem_responses(401, 403, 413, 415),
)
async def upload_file(
    request: Request,
    scope: ScopeIn,
    gateway: GatewayIn,
    caller: CallerIn,
    releases: ReleasesIn,
    args: ArgsIn,
) -> FileObject:
    """Reads a file and indexes it, or keeps it for a batch. The same bytes under the same name are
    the same file, whose attributes stay; a file that cannot be read is refused, and nothing of it
    is kept."""
    form = await read_form(request)
    scope = scope.within(args.ingest_timeout_s)
    if form.purpose == "batch":
        kept_file = await keeper_of(gateway).keep_file(
            form.name, form.content, owner=owner_of(caller.principal), call=scope.call()
        )
        return batch_file_object(kept_file)
    require(scope.principal, frozenset({"ingest"}))
    own_id = await asyncio.to_thread(_file_id, form.name, form.content)
    metadata = file_metadata(form.purpose, len(form.content))
    upload = Upload(form.name, form.content, metadata, own_id)
    retriever = releases.main().retrieval.retriever
    known = await retriever.records([upload.document_id], call=scope.call())
    if record := known.get(upload.document_id):
        # What was said of the file since holds.
        kept = {**attributes_of(record.metadata), **upload.metadata}
        upload = replace(upload, metadata=kept)
    (outcome,) = await write_everywhere(
        lambda indexer, call: indexer.ingest((), [upload], call=call), gateway, scope, args
    )
    if outcome.status == "failed":
        raise InvalidRequest(outcome.message, errors=(field_detail("file", outcome.message),))
    return file_of(await retriever.document(upload.document_id, call=scope.call()))


@router.get("", responses=problem_responses(401, 403))
async def list_files(
    place: PlaceIn,
    scope: ScopeIn,
    releases: ReleasesIn,
    kept: BatchFilesIn,
    limit: Annotated[int, Query(ge=1, le=_MAX_LIMIT)] = _MAX_LIMIT,
    purpose: Annotated[str | None, Query(max_length=64)] = None,
) -> FileList:
    """Lists files in order of arrival, those of batches after documents; a page has 1000 at
    most."""
    limit = min(limit, MAX_PAGE)
    found: list[FileObject] = []
    has_more = False
    after = place.after
    of_batches = purpose in BATCH_PURPOSES or (after is not None and is_batch_file(after))
    if not of_batches:
        retriever = releases.main().retrieval.retriever
        if purpose is None:
            page = await page_after(place, limit, retriever, scope)
            records, has_more = list(page.records), page.next_sequence is not None
        else:
            records, has_more = await _of_purpose(purpose, place, limit, retriever, scope)
        found, after = [file_of(record) for record in records], None
    if not has_more and purpose in (None, *BATCH_PURPOSES):
        room = limit - len(found)
        files = await kept.list(purpose, after=after, limit=room + 1)
        found, has_more = [*found, *files[:room]], len(files) > room
    first_id, last_id = ends_of(found)
    return FileList(data=found, first_id=first_id, last_id=last_id, has_more=has_more)


@router.get("/{file_id}", responses=problem_responses(401, 403))
async def get_file(
    file_id: FileIdIn, scope: ScopeIn, releases: ReleasesIn, kept: BatchFilesIn
) -> FileObject:
    """Returns what the index knows of a file, or what is kept of one of a batch."""
    if is_batch_file(file_id):
        return await kept.get(file_id)
    retriever = releases.main().retrieval.retriever
    return file_of(await retriever.document(file_id, call=scope.call()))


@router.delete(
    "/{file_id}",
    dependencies=[needs("ingest", "query")],
    responses=problem_responses(401, 403),
)
async def delete_file(
    file_id: FileIdIn, scope: ScopeIn, gateway: GatewayIn, args: ArgsIn, kept: BatchFilesIn
) -> DeletedFile:
    """Removes a file from every index; one of results with the results that it has."""
    if is_batch_file(file_id):
        await kept.delete(file_id)
    else:
        require(scope.principal, frozenset({"ingest"}))
        await delete_everywhere(file_id, gateway, scope, args)
    return DeletedFile(id=file_id)


@router.get(
    "/{file_id}/content",
    response_class=StreamingResponse,
    responses={
        200: {"content": {_JSONL: {"schema": {"type": "string"}}}},
        **problem_responses(401, 403),
    },
)
async def get_file_content(file_id: FileIdIn, kept: BatchFilesIn) -> StreamingResponse:
    """Returns the lines of a file of a batch. Of a document only the text is kept, which is at
    `/v1/vector_stores/vs_default/files/ID/content`.

    Raises:
        UnsupportedField: it is the file of a document.
    """
    if not is_batch_file(file_id):
        raise UnsupportedField(
            "The bytes of a file are not kept, only its text: "
            f"GET /v1/vector_stores/{STORE}/files/{file_id}/content."
        )
    return StreamingResponse(await kept.content(file_id), media_type=_JSONL)


async def _of_purpose(
    purpose: str, place: Place, limit: int, retriever: RetrieverStage, scope: RequestScope
) -> tuple[list[DocumentRecord], bool]:
    """Returns the files with a purpose, and whether there may be more. The index knows no purposes,
    so pages are read until one is full."""
    if purpose not in _PURPOSES:
        return [], False
    limit = min(limit, MAX_PAGE)
    page = await page_after(place, MAX_PAGE, retriever, scope)
    records = [record for record in page.records if purpose_of(record) == purpose]
    while len(records) <= limit and page.next_sequence is not None:
        page = await retriever.documents(
            after=page.next_sequence, limit=MAX_PAGE, call=scope.call()
        )
        records += [record for record in page.records if purpose_of(record) == purpose]
    return records[:limit], len(records) > limit


def _file_id(name: str, content: bytes) -> str:
    """Returns the id of a file: the same for the same bytes under the same name, so that an upload
    may be repeated."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(content)
    return f"file-{digest.hexdigest()[:_ID_DIGITS]}"
