"""One document of an ingestion: its bytes are read from who keeps them, and written into the index
by this process's own route, as those of a request are."""

import asyncio
import json
from typing import Any

import httpx
from starlette.types import ASGIApp

from app.batches.inner_request import InnerAnswer, ask_inside
from app.batches.outcome import wait_of
from app.request.background import Background
from deployments.batches.contract import BatchStage, Line, LineResult, PutOff, line_id
from deployments.batches.ingestion import INGEST_PATH, SourceLine, SourceResult
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import NotFound

_READ_TIMEOUT_S = 30.0
"""Of one piece."""
_JSON = "application/json"
_NEWS = ("unchanged", "updated", "added", "failed")
"""By how much each says: that of a whole file is the last that any document of it has."""
_ANY = "http://localhost"


async def read_source(
    app: ASGIApp, line: Line, keeper: BatchStage, background: Background
) -> InnerAnswer:
    """Returns the answer to the request that writes one document.

    Raises:
        Unavailable: the keeper does not answer.
        NotFound: the bytes are gone.
    """
    source = SourceLine.of(line.body)
    request_id = line_id(line.key.batch_id, line.key.place)
    content = await _content(source, keeper, line.submitter.owner, request_id)
    kind = _JSON
    if source.kind == "file":
        content, kind = await asyncio.to_thread(_form_of, line.custom_id, content, source.form)
    return await ask_inside(
        app, INGEST_PATH, content, kind=kind, request_id=request_id, background=background
    )


async def _content(source: SourceLine, keeper: BatchStage, owner: str, request_id: str) -> bytes:
    content = bytearray()
    while len(content) < source.size_bytes:
        call = CallContext(request_id, _READ_TIMEOUT_S, background=True)
        place = source.offset + len(content)
        piece = await keeper.read_file(source.file_id, place, owner=owner, call=call)
        if not piece.content:
            raise NotFound("The bytes of this document are gone.")
        content += piece.content
    return bytes(content)


def _form_of(name: str, content: bytes, form: dict[str, str]) -> tuple[bytes, str]:
    """Returns a form with one file, and its media type."""
    request = httpx.Request("POST", _ANY, files=[("files", (name, content))], data=form)
    return request.read(), request.headers["content-type"]


def source_outcome_of(line: Line, answer: InnerAnswer) -> LineResult | PutOff:
    """Returns what is told of a document."""
    after_s = wait_of(line, answer)
    if after_s is not None:
        return PutOff(line.key, after_s)
    result = _result(answer)
    return LineResult(line.key, result.written(), failed=result.status == "failed")


def unplanned_source(line: Line) -> LineResult:
    """Returns the result of a document that broke what works on it."""
    says = "The service failed in a way that nobody planned for."
    return LineResult(line.key, SourceResult("failed", message=says).written(), failed=True)


def _result(answer: InnerAnswer) -> SourceResult:
    told = json.loads(answer.body)
    if answer.status >= 400:
        return SourceResult("failed", message=_reason(told))
    return _merged(told["outcomes"])


def _merged(outcomes: list[dict[str, Any]]) -> SourceResult:
    """Returns what came of a file as one: a file of records gives several documents."""
    failed = [one for one in outcomes if one["status"] == "failed"]
    message = failed[0]["message"] if failed else ""
    if failed and len(outcomes) > 1:
        first = failed[0]["path"]
        message = f"{len(failed)} of {len(outcomes)} documents failed; {first}: {message}"
    return SourceResult(
        max((one["status"] for one in outcomes), key=_NEWS.index, default="unchanged"),
        outcomes[0]["document_id"] if len(outcomes) == 1 else "",
        sum(one["chunk_count"] for one in outcomes),
        message,
        [warning for one in outcomes for warning in one["warnings"]],
    )


def _reason(problem: dict[str, object]) -> str:
    """Returns why a request was refused, with the fields that are wrong."""
    errors = problem.get("errors")
    details = errors if isinstance(errors, list) else []
    fields = "; ".join(f"{one['field']}: {one['message']}" for one in details[:3])
    reason = str(problem.get("detail") or problem.get("title") or "It was refused.")
    return f"{reason} ({fields})" if fields and fields not in reason else reason
