"""`/v1/documents`: put documents into the index, list them, take them out."""

from collections.abc import Awaitable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from app.access.route_scopes import needs
from app.api.batches.keeper import keeper_of
from app.api.documents.indexes import delete_everywhere, write_everywhere
from app.api.ingestions.beginning import PREFERENCE, begin_ingestion, prefers_async
from app.api.requests.caller import CALLERS, CallerIn
from app.api.requests.dependencies import ArgsIn, GatewayIn, ReleasesIn, ScopeIn, media_type
from app.api.wire.ingestions import ingestion_of
from app.gateway import Gateway
from app.request.scope import RequestScope
from app.schemas.documents import (
    DeletedDocument,
    DocumentInfo,
    DocumentList,
    DocumentsResponse,
    Outcome,
)
from app.schemas.ingestions import Ingestion
from app.schemas.wire import problem_responses
from app.settings.cold.gateway import GatewayArgs
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import IngestOutcome, Upload
from deployments.contracts.errors import (
    InvalidRequest,
    MalformedRequest,
    UnsupportedMedia,
)
from deployments.contracts.stages import IndexerStage
from deployments.contracts.tenants import Acl, Kept
from deployments.indexer.json_documents import RequestAcl, RequestMetadata

router = APIRouter(tags=["documents"], dependencies=[needs("query")])
_METADATA: TypeAdapter[dict[str, Any]] = TypeAdapter(RequestMetadata)
_ACL: TypeAdapter[list[str] | None] = TypeAdapter(RequestAcl | None)
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/DocumentsRequest"}},
            "multipart/form-data": {
                "schema": {
                    "title": "DocumentsUpload",
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                            "description": "Files; the extension chooses the converter.",
                        },
                        "metadata": {
                            "type": "string",
                            "description": "A JSON object of key-values for all files.",
                            "example": '{"team": "platform"}',
                        },
                        "acl": {
                            "type": "string",
                            "description": "A JSON list of groups that may read the files, or "
                            "`null` for all of the tenant. Without it, a file that is sent again "
                            "keeps what it has.",
                            "example": '["legal"]',
                        },
                    },
                }
            },
        },
    }
}
DocumentId = Annotated[
    str, Path(min_length=1, max_length=256, examples=["doc_1b2c3d4e5f60718293a4b5c6"])
]

PageLimit = Annotated[int, Query(ge=1, le=1000)]
PageCursor = Annotated[
    str | None,
    Query(
        max_length=20,
        pattern=r"^[0-9]{1,18}$|^[1-8][0-9]{18}$",
        description="`next_cursor` of the page before.",
    ),
]


@router.post(
    "/v1/documents",
    dependencies=[needs("ingest"), *CALLERS],
    openapi_extra=_BODY,
    responses={
        202: {"model": Ingestion, "description": "They are read later: `Prefer: respond-async`."},
        **problem_responses(401, 403, 413, 415),
    },
)
async def add_documents(
    request: Request,
    response: Response,
    scope: ScopeIn,
    gateway: GatewayIn,
    caller: CallerIn,
    args: ArgsIn,
    _prefer: Annotated[
        str | None,
        Header(
            alias="Prefer",
            max_length=1024,
            description="`respond-async` has the service answer with 202 and an ingestion at once, "
            "and read the documents after that.",
            examples=["respond-async"],
        ),
    ] = None,
) -> DocumentsResponse | Ingestion:
    """Indexes documents sent as JSON texts, or as files in a multipart form."""
    body, uploads = await _read(request)
    if scope.background is None and prefers_async(request.headers):
        begun = await begin_ingestion(
            keeper_of(gateway),
            scope.within(args.ingest_timeout_s),
            caller,
            json_body=body,
            uploads=uploads,
        )
        response.status_code = 202
        response.headers["Location"] = f"/v1/ingestions/{begun.id}"
        response.headers["Preference-Applied"] = PREFERENCE
        return ingestion_of(begun)

    return await write_documents(scope, gateway, args, json_body=body, uploads=uploads)


async def write_documents(
    scope: RequestScope,
    gateway: Gateway,
    args: GatewayArgs,
    *,
    json_body: bytes = b"",
    uploads: Sequence[Upload] = (),
) -> DocumentsResponse:
    """Writes documents to every index: files, or else the texts of a body in JSON."""

    def write(indexer: IndexerStage, call: CallContext) -> Awaitable[list[IngestOutcome]]:
        if uploads:
            return indexer.ingest((), uploads, call=call)
        return indexer.ingest_json(json_body, call=call)

    outcomes = await write_everywhere(write, gateway, scope, args)
    counts = dict.fromkeys(("added", "updated", "unchanged", "failed"), 0)
    for outcome in outcomes:
        counts[outcome.status] += 1
    return DocumentsResponse(
        outcomes=[Outcome.model_validate(outcome) for outcome in outcomes], **counts
    )


@router.get("/v1/documents", responses=problem_responses())
async def list_documents(
    scope: ScopeIn,
    releases: ReleasesIn,
    limit: PageLimit = 100,
    cursor: PageCursor = None,
    named: Annotated[
        str,
        Query(
            max_length=256,
            description="Only documents in whose path, title or id this stands, in whatever case. A"
            " page may then have fewer than `limit`, or none, although `next_cursor` says that "
            "there are more.",
            examples=["handbook/"],
        ),
    ] = "",
) -> DocumentList:
    """Lists documents in order of arrival, or those with a name."""
    retriever = releases.main().retrieval.retriever
    page = await retriever.documents(
        after=int(cursor or 0), limit=limit, named=named, call=scope.call()
    )
    following = page.next_sequence
    return DocumentList(
        documents=[DocumentInfo.model_validate(record) for record in page.records],
        next_cursor=None if following is None else str(following),
    )


@router.get("/v1/documents/{document_id}", responses=problem_responses())
async def get_document(
    document_id: DocumentId, scope: ScopeIn, releases: ReleasesIn
) -> DocumentInfo:
    """Returns what the index knows of a document."""
    retriever = releases.main().retrieval.retriever
    return DocumentInfo.model_validate(await retriever.document(document_id, call=scope.call()))


@router.delete(
    "/v1/documents/{document_id}",
    dependencies=[needs("ingest"), *CALLERS],
    responses=problem_responses(401, 403),
)
async def delete_document(
    document_id: DocumentId, scope: ScopeIn, gateway: GatewayIn, args: ArgsIn
) -> DeletedDocument:
    """Removes a document and its chunks from every index."""
    chunk_count = await delete_everywhere(document_id, gateway, scope, args)
    return DeletedDocument(id=document_id, chunk_count=chunk_count)


async def _read(request: Request) -> tuple[bytes, list[Upload]]:
    """Returns the JSON that a request brings, or its files, of which there is one at least."""
    kind = media_type(request)
    if kind == "application/json":
        return await request.body(), []
    if kind == "multipart/form-data":
        return b"", await _read_form(request)
    raise UnsupportedMedia("Send the documents as application/json or as multipart/form-data.")


async def _read_form(request: Request) -> list[Upload]:
    try:
        async with request.form(max_files=1000, max_fields=10) as form:
            metadata, acl = _form_metadata(form), _form_acl(form)
            files = [item for item in form.getlist("files") if isinstance(item, UploadFile)]
            uploads = [
                Upload(file.filename or "", await file.read(), metadata, acl=acl) for file in files
            ]
    except HTTPException as error:
        raise MalformedRequest("The form cannot be read.") from error
    if not uploads and "files" in form:
        raise InvalidRequest(
            "A part `files` of the form has no `filename`, so it is no file; `filename*` is not "
            "read in forms (RFC 7578, section 4.2)."
        )
    if not uploads:
        raise InvalidRequest("The form has no `files`.")
    return uploads


def _form_metadata(form: FormData) -> dict[str, Any]:
    stray = sorted(set(form) - {"files", "metadata", "acl"})
    if stray:
        raise InvalidRequest(f"The form has fields that are not known: {', '.join(stray)}.")
    given = form.get("metadata")
    if not isinstance(given, str) or not given:
        return {}
    return metadata_of(given)


def _form_acl(form: FormData) -> Acl | Kept:
    given = form.get("acl")
    if not isinstance(given, str) or not given:
        return "kept"
    return acl_of(given)


def metadata_of(given: str) -> dict[str, Any]:
    """Returns the key-values of files, from JSON; raises InvalidRequest."""
    try:
        return _METADATA.validate_json(given)
    except ValidationError as error:
        raise InvalidRequest("The `metadata` of files must be a JSON object of scalars.") from error


def acl_of(given: str) -> Acl:
    """Returns who may read files, None for all of the tenant, from JSON; raises InvalidRequest."""
    try:
        groups = _ACL.validate_json(given)
    except ValidationError as error:
        raise InvalidRequest(
            "The `acl` of files must be a JSON list of 1 to 32 names of groups, or null."
        ) from error
    return None if groups is None else frozenset(groups)
