"""A call of the client as one of gRPC: the messages have the fields of the JSON bodies."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message

from app.client.api_errors import NotOverGrpcError, Refusal, status_error
from app.client.calls import QUERY_PATH, Call
from ragserve.v1 import rag_pb2

_DOCUMENTS = "/v1/documents"
_SERVICE = rag_pb2.DESCRIPTOR.services_by_name["Rag"].full_name


@dataclass(frozen=True, slots=True)
class Rpc:
    """A call of gRPC.

    Attributes:
        path: `/package.Service/Method`.
        request: What is sent.
        answers: The class of what comes.
        read: Returns an answer as the HTTP API says it in JSON.
    """

    path: str
    request: Any
    answers: Any
    read: Callable[[Any], dict[str, Any]]


def rpc_of(call: Call[Any], *, timeout_s: float) -> Rpc:
    """Returns a call as one of gRPC, which tells the service how long it may take.

    Raises:
        NotOverGrpcError: it goes over HTTP alone.
        UnprocessableError: it has what no message can say.
    """
    place = (call.method, call.path)
    body = dict(call.body or {})
    if place == ("POST", QUERY_PATH):
        streams = bool(body.pop("stream", False))
        name, answers = (
            ("StreamQuery", rag_pb2.StreamQueryResponse)
            if streams
            else (
                "Query",
                rag_pb2.QueryResponse,
            )
        )
        request = _filled(rag_pb2.QueryRequest(), _with_lists(body))
        if not streams:
            request.timeout_s = timeout_s
        return _rpc(name, request, answers)
    if place == ("POST", "/v1/search"):
        request = _filled(rag_pb2.SearchRequest(timeout_s=timeout_s), body)
        return _rpc("Search", request, rag_pb2.SearchResponse)
    if place == ("POST", _DOCUMENTS):
        request = _files_of(call) if call.files else _documents_of(body)
        return _rpc("PutDocuments", request, rag_pb2.PutDocumentsResponse)
    if place == ("GET", _DOCUMENTS):
        request = rag_pb2.ListDocumentsRequest(timeout_s=timeout_s)
        _filled(request, dict(call.params or {}))
        return _rpc("ListDocuments", request, rag_pb2.ListDocumentsResponse, _list_of)
    document_id = unquote(call.path.removeprefix(f"{_DOCUMENTS}/"))
    if call.path.startswith(f"{_DOCUMENTS}/") and call.method == "GET":
        request = rag_pb2.GetDocumentRequest(document_id=document_id, timeout_s=timeout_s)
        return _rpc("GetDocument", request, rag_pb2.GetDocumentResponse, _found_of)
    if call.path.startswith(f"{_DOCUMENTS}/") and call.method == "DELETE":
        request = rag_pb2.DeleteDocumentRequest(document_id=document_id)
        return _rpc("DeleteDocument", request, rag_pb2.DeleteDocumentResponse)
    raise NotOverGrpcError(
        f"{call.method} {call.path} goes over HTTP alone: give the client an address that begins "
        "with http:// or https://."
    )


def event_of(event: rag_pb2.StreamQueryResponse) -> bytes:
    """Returns an event of a streamed answer as HTTP has it; empty for one that this version does
    not know."""
    kind = event.WhichOneof("event")
    if kind is None:
        return b""
    data = json.dumps(_read(getattr(event, kind)), ensure_ascii=True)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def _rpc(
    name: str, request: Any, answers: Any, read: Callable[[Any], dict[str, Any]] | None = None
) -> Rpc:
    return Rpc(f"/{_SERVICE}/{name}", request, answers, read or _read)


def _read(message: Message) -> dict[str, Any]:
    fields: dict[str, Any] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return fields


def _info_of(document: rag_pb2.DocumentInfo) -> dict[str, Any]:
    acl = list(document.acl.groups) if document.HasField("acl") else None
    return {"metadata": {}, **_read(document), "acl": acl}


def _found_of(answer: rag_pb2.GetDocumentResponse) -> dict[str, Any]:
    return _info_of(answer.document)


def _list_of(answer: rag_pb2.ListDocumentsResponse) -> dict[str, Any]:
    cursor = answer.next_cursor if answer.HasField("next_cursor") else None
    return {
        "documents": [_info_of(document) for document in answer.documents],
        "next_cursor": cursor,
    }


def _with_lists(body: dict[str, Any]) -> dict[str, Any]:
    """Returns the body with its only field that may be a text or a list as a list."""
    stop = body.get("stop")
    return {**body, "stop": [stop]} if isinstance(stop, str) else body


def _documents_of(body: Mapping[str, Any]) -> rag_pb2.PutDocumentsRequest:
    request = rag_pb2.PutDocumentsRequest()
    for document in body["documents"]:
        fields = dict(document)
        has_acl, acl = "acl" in fields, fields.pop("acl", None)
        made = _filled(request.documents.add(), fields)
        if has_acl:
            made.acl.groups.extend(acl or ())
            made.acl.SetInParent()
    return request


def _files_of(call: Call[Any]) -> rag_pb2.PutDocumentsRequest:
    files = [rag_pb2.File(name=name, content=content) for name, content in call.files]
    request = rag_pb2.PutDocumentsRequest(files=files)
    form = call.form or {}
    if metadata := form.get("metadata"):
        _filled(request.metadata, json.loads(metadata))
    if acl := form.get("acl"):
        request.acl.groups.extend(json.loads(acl) or ())
        request.acl.SetInParent()
    return request


def _filled(message: Any, fields: Mapping[str, Any]) -> Any:
    try:
        return ParseDict(_plain(fields), message)
    except (ParseError, TypeError, ValueError) as error:
        detail = f"The request is not valid: {' '.join(str(error).split())[:200]}"
        raise status_error(Refusal(422, detail, code="invalid_request")) from error


def _plain(value: Any) -> Any:
    """Returns mappings and sequences of any kind as those that JSON has."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
