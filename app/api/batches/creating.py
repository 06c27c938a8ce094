"""What a request to begin a batch asks for: a file that was uploaded, or lines in the body."""

import asyncio
from typing import Annotated

from fastapi import Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.api.batches.keeper import submitter_of
from app.api.requests.caller import Caller
from app.api.requests.dependencies import media_type
from app.request.scope import RequestScope
from app.schemas.batches import WINDOW, BatchEndpoint, CreateBatch
from deployments.batches.contract import BatchRequest, BatchStage
from deployments.batches.parsing import TEXT_ENDPOINTS, jsonl_of_text
from deployments.contracts.errors import InvalidRequest, MalformedRequest, UnsupportedMedia

_JSONL = ("application/jsonl", "application/x-ndjson", "application/x-jsonlines")
_TEXT = "text/plain"
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
_LINES = {"schema": {"type": "string"}}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/CreateBatch"}},
            **dict.fromkeys((*_JSONL[:2], _TEXT), _LINES),
        },
    }
}
EndpointIn = Annotated[
    BatchEndpoint | None,
    Query(
        description="Of lines in the body: the path that they name. By default that of the first "
        "line, and `/v1/query` of plain text.",
    ),
]
WindowIn = Annotated[
    str, Query(pattern=WINDOW, description="Of lines in the body.", examples=["24h"])
]
FileNameIn = Annotated[
    str | None,
    Query(max_length=256, description="Of lines in the body: what their file is called."),
]


async def read_request(
    request: Request,
    keeper: BatchStage,
    scope: RequestScope,
    caller: Caller,
    *,
    endpoint: BatchEndpoint | None,
    window: str,
    filename: str | None,
) -> BatchRequest:
    """Returns the batch that is asked for; lines in the body are kept as a file first.

    Raises:
        RequestValidationError, MalformedRequest, UnsupportedMedia, InvalidRequest: none is.
    """
    kind = media_type(request)
    submitter = submitter_of(caller, scope)
    if kind == "application/json":
        body = _parsed(await request.body())
        return BatchRequest(
            body.input_file_id,
            body.endpoint,
            body.completion_window,
            _seconds(body.completion_window),
            submitter,
            body.metadata or {},
        )
    if kind in _JSONL:
        content, name = await request.body(), filename or "batch.jsonl"
    elif kind == _TEXT:
        endpoint = endpoint or "/v1/query"
        content = await asyncio.to_thread(_lines_of, await request.body(), endpoint)
        name = f"{filename or 'batch.txt'}.jsonl"
    else:
        raise UnsupportedMedia(
            "Send application/json with a file's id, or lines as "
            f"{', '.join((*_JSONL[:2], _TEXT))}."
        )
    file = await keeper.keep_file(name, content, owner=submitter.owner, call=scope.call())
    return BatchRequest(file.id, endpoint or "", window, _seconds(window), submitter)


def _parsed(body: bytes) -> CreateBatch:
    try:
        return CreateBatch.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False)
        if any(one["type"] == "json_invalid" for one in found):
            raise MalformedRequest("The body is not valid JSON.") from error
        located = [{**one, "loc": ("body", *one["loc"])} for one in found]
        raise RequestValidationError(located) from error


def _lines_of(body: bytes, endpoint: str) -> bytes:
    if endpoint not in TEXT_ENDPOINTS:
        raise InvalidRequest(
            f"A line of plain text is a question: {' or '.join(TEXT_ENDPOINTS)}, not {endpoint}."
        )
    try:
        return jsonl_of_text(body.decode(), endpoint)
    except UnicodeDecodeError as error:
        raise MalformedRequest("The text is not UTF-8.") from error


def _seconds(window: str) -> float:
    """Returns how long a window is.

    >>> _seconds("24h")
    86400.0
    """
    return float(int(window[:-1]) * _SECONDS[window[-1]])
