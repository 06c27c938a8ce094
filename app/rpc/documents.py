"""`ragserve.v1.Rag`: documents."""

import json
from typing import Any

from pydantic import TypeAdapter

from app.api.documents.documents import (
    DocumentId,
    PageCursor,
    PageLimit,
    acl_of,
    delete_document,
    get_document,
    list_documents,
    metadata_of,
    write_documents,
)
from app.rpc.calls import RpcCall
from app.rpc.messages import fields_of, message_of, parsed, value_of
from app.schemas.documents import DocumentInfo
from deployments.contracts.documents import Upload
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.tenants import Acl, Kept
from ragserve.v1 import rag_pb2

_ID: TypeAdapter[str] = TypeAdapter(DocumentId)
_LIMIT: TypeAdapter[int] = TypeAdapter(PageLimit)
_CURSOR: TypeAdapter[str | None] = TypeAdapter(PageCursor)
_USUAL_LIMIT = 100


async def put_documents(
    call: RpcCall, request: rag_pb2.PutDocumentsRequest
) -> rag_pb2.PutDocumentsResponse:
    """Writes texts, or files.

    Raises:
        InvalidRequest: there are both, or neither.
    """
    if bool(request.documents) == bool(request.files):
        raise InvalidRequest("Send either `documents` or `files`.")
    call.check_wishes()
    body, uploads = b"", list[Upload]()
    if request.files:
        uploads = _uploads_of(request)
    else:
        documents = [_document_of(document) for document in request.documents]
        body = json.dumps({"documents": documents}).encode()
    written = await write_documents(
        call.scope, call.gateway, call.args, json_body=body, uploads=uploads
    )
    return message_of(rag_pb2.PutDocumentsResponse, written)


async def list_page(
    call: RpcCall, request: rag_pb2.ListDocumentsRequest
) -> rag_pb2.ListDocumentsResponse:
    """Lists documents in order of arrival."""
    limit = request.limit if request.HasField("limit") else _USUAL_LIMIT
    cursor = request.cursor if request.HasField("cursor") else None
    page = await list_documents(
        call.scope,
        call.gateway.releases,
        value_of(_LIMIT, limit, field="limit"),
        value_of(_CURSOR, cursor, field="cursor"),
    )
    listed = rag_pb2.ListDocumentsResponse(
        documents=[_info_of(document) for document in page.documents]
    )
    if page.next_cursor is not None:
        listed.next_cursor = page.next_cursor
    return listed


async def find_document(
    call: RpcCall, request: rag_pb2.GetDocumentRequest
) -> rag_pb2.GetDocumentResponse:
    """Returns what the index knows of a document."""
    document_id = value_of(_ID, request.document_id, field="document_id")
    found = await get_document(document_id, call.scope, call.gateway.releases)
    return rag_pb2.GetDocumentResponse(document=_info_of(found))


async def remove_document(
    call: RpcCall, request: rag_pb2.DeleteDocumentRequest
) -> rag_pb2.DeleteDocumentResponse:
    """Takes a document out of every index."""
    document_id = value_of(_ID, request.document_id, field="document_id")
    call.check_wishes()
    gone = await delete_document(document_id, call.scope, call.gateway, call.args)
    return rag_pb2.DeleteDocumentResponse(id=gone.id, chunk_count=gone.chunk_count)


def _document_of(document: rag_pb2.Document) -> dict[str, Any]:
    """Returns a document as the JSON body has it; its `acl` has three states there: names, null for
    everybody, and none for what it had."""
    fields = fields_of(document)
    if document.HasField("acl"):
        fields["acl"] = list(document.acl.groups) or None
    return fields


def _uploads_of(request: rag_pb2.PutDocumentsRequest) -> list[Upload]:
    metadata = metadata_of(json.dumps(fields_of(request.metadata)))
    acl: Acl | Kept = "kept"
    if request.HasField("acl"):
        acl = acl_of(json.dumps(list(request.acl.groups) or None))
    return [Upload(file.name, file.content, metadata, acl=acl) for file in request.files]


def _info_of(document: DocumentInfo) -> rag_pb2.DocumentInfo:
    fields = document.model_dump(mode="json")
    if (groups := fields.pop("acl")) is not None:
        fields["acl"] = {"groups": groups}
    return parsed(rag_pb2.DocumentInfo, fields)
