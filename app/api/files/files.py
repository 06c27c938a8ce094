"""`/v1/files`: a file is a document from its upload on, read and indexed before the answer."""

import asyncio
import hashlib
from dataclasses import replace
from typing import Annotated, get_args

from fastapi import APIRouter, Path, Query, Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from app.api.caller import CALLERS
from app.api.dependencies import ArgsIn, ReleasesIn, ScopeIn, media_type
from app.api.files.listing import MAX_PAGE, Place, PlaceIn, ends_of, page_after
from app.api.indexes import delete_everywhere, write_everywhere
from app.api.wire.files import attributes_of, file_metadata, file_of, purpose_of
from app.request.scope import RequestScope
from app.schemas.files.files import FILE_ID, DeletedFile, FileList, FileObject, Purpose
from app.schemas.files.stores import STORE
from app.schemas.wire import problem_responses
from deployments.contracts.documents import DocumentRecord, Upload
from deployments.contracts.errors import (
    InvalidRequest,
    MalformedRequest,
    UnsupportedField,
    UnsupportedMedia,
)
from deployments.contracts.field_errors import unsupported_fields
from deployments.contracts.stages import RetrieverStage

PATH = "/v1/files"
router = APIRouter(prefix=PATH, tags=["files"], dependencies=CALLERS)
_MAX_LIMIT = 10_000
_ID_DIGITS = 24
_PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "title": "FileUpload",
                    "type": "object",
                    "required": ["file", "purpose"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "The extension chooses the converter.",
                        },
                        "purpose": {"type": "string", "enum": list(_PURPOSES)},
                    },
                }
            }
        },
    }
}
FileIdIn = Annotated[str, Path(min_length=1, max_length=256, examples=[FILE_ID])]


@router.post("", openapi_extra=_BODY, responses=problem_responses(401, 403, 413, 415))
async def upload_file(
    request: Request, scope: ScopeIn, releases: ReleasesIn, args: ArgsIn
) -> FileObject:
    """Reads a file and indexes it. The same bytes under the same name are the same file, whose
    attributes stay; a file that cannot be read is refused, and nothing of it is kept."""
    if media_type(request) != "multipart/form-data":
        raise UnsupportedMedia("Send the file as multipart/form-data.")
    upload = await _read_form(request)
    scope = scope.within(args.ingest_timeout_s)
    retriever = releases.main().retrieval.retriever
    known = await retriever.records([upload.document_id], call=scope.call())
    if record := known.get(upload.document_id):
        # What was said of the file since holds.
        kept = {**attributes_of(record.metadata), **upload.metadata}
        upload = replace(upload, metadata=kept)
    (outcome,) = await write_everywhere(
        lambda indexer, call: indexer.ingest((), [upload], call=call), releases, scope, args
    )
    if outcome.status == "failed":
        raise InvalidRequest(outcome.message, errors=(_detail("file", outcome.message),))
    return file_of(await retriever.document(upload.document_id, call=scope.call()))


@router.get("", responses=problem_responses(401, 403))
async def list_files(
    place: PlaceIn,
    scope: ScopeIn,
    releases: ReleasesIn,
    limit: Annotated[int, Query(ge=1, le=_MAX_LIMIT)] = _MAX_LIMIT,
    purpose: Annotated[str | None, Query(max_length=64)] = None,
) -> FileList:
    """Lists files in order of arrival; a page has 1000 at most."""
    retriever = releases.main().retrieval.retriever
    if purpose is None:
        page = await page_after(place, limit, retriever, scope)
        records, has_more = list(page.records), page.next_sequence is not None
    else:
        records, has_more = await _of_purpose(purpose, place, limit, retriever, scope)
    first_id, last_id = ends_of(records)
    return FileList(
        data=[file_of(record) for record in records],
        first_id=first_id,
        last_id=last_id,
        has_more=has_more,
    )


@router.get("/{file_id}", responses=problem_responses(401, 403))
async def get_file(file_id: FileIdIn, scope: ScopeIn, releases: ReleasesIn) -> FileObject:
    """Returns what the index knows of a file."""
    retriever = releases.main().retrieval.retriever
    return file_of(await retriever.document(file_id, call=scope.call()))


@router.delete("/{file_id}", responses=problem_responses(401, 403))
async def delete_file(
    file_id: FileIdIn, scope: ScopeIn, releases: ReleasesIn, args: ArgsIn
) -> DeletedFile:
    """Removes a file from every index."""
    await delete_everywhere(file_id, releases, scope, args)
    return DeletedFile(id=file_id)


@router.get("/{file_id}/content", include_in_schema=False)
async def get_file_content(file_id: FileIdIn) -> None:
    """Says where the text of a file is.

    Raises:
        UnsupportedField: always.
    """
    raise UnsupportedField(
        "The bytes of a file are not kept, only its text: "
        f"GET /v1/vector_stores/{STORE}/files/{file_id}/content."
    )


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


async def _read_form(request: Request) -> Upload:
    try:
        async with request.form(max_files=1, max_fields=10) as form:
            purpose, file = _fields(form)
            name, content = file.filename or "", await file.read()
    except HTTPException as error:
        raise MalformedRequest("The form cannot be read; it may have one file.") from error
    own_id = await asyncio.to_thread(_file_id, name, content)
    return Upload(name, content, file_metadata(purpose, len(content)), own_id)


def _fields(form: FormData) -> tuple[Purpose, UploadFile]:
    stray = sorted(set(form) - {"file", "purpose"})
    if stray:
        reason = "a file is kept until somebody deletes it" if "expires" in stray[0] else "unknown"
        raise unsupported_fields([_detail(stray[0], reason)])
    file, given = form.get("file"), form.get("purpose")
    if not isinstance(file, UploadFile):
        raise InvalidRequest("The form has no `file`.", errors=(_detail("file", "it is missing"),))
    for purpose in _PURPOSES:
        if purpose == given:
            return purpose, file
    reason = f"files are here to be searched, so it is one of {', '.join(_PURPOSES)}"
    raise unsupported_fields([_detail("purpose", reason)])


def _file_id(name: str, content: bytes) -> str:
    """Returns the id of a file: the same for the same bytes under the same name, so that an upload
    may be repeated."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(content)
    return f"file-{digest.hexdigest()[:_ID_DIGITS]}"


def _detail(field: str, message: str) -> dict[str, object]:
    return {"field": field, "message": message, "type": UnsupportedField.code}
