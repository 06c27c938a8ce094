"""Whether a request to write documents asks to be answered before they are read, and what it then
begins.

Source: RFC 7240, Prefer Header for HTTP, section 4.1 (`respond-async`).
"""

import json
from collections.abc import Sequence

from starlette.datastructures import Headers

from app.api.batches.keeper import submitter_of
from app.api.requests.caller import Caller
from app.request.scope import RequestScope
from deployments.batches.contract import Batch, BatchStage
from deployments.batches.ingestion import IngestionRequest, Source
from deployments.contracts.documents import Upload

PREFERENCE = "respond-async"
_WINDOW_S = 86_400.0
"""Time in which documents are read: after a day somebody has to look why not."""


def prefers_async(headers: Headers) -> bool:
    """Returns whether a client would rather be answered at once.

    >>> prefers_async(Headers({"prefer": "wait=10, respond-async"}))
    True
    """
    wishes = ",".join(headers.getlist("prefer")).split(",")
    return any(wish.partition(";")[0].strip().lower() == PREFERENCE for wish in wishes)


async def begin_ingestion(
    keeper: BatchStage,
    scope: RequestScope,
    caller: Caller,
    *,
    json_body: bytes = b"",
    uploads: Sequence[Upload] = (),
) -> Batch:
    """Returns an ingestion of a JSON body, or of files, which has begun.

    Raises:
        MalformedRequest, InvalidRequest, Conflict: see `BatchStage.begin_ingestion`.
    """
    files = [Source(one.name, one.content, form=_form_of(one)) for one in uploads]
    request = IngestionRequest(submitter_of(caller, scope), _WINDOW_S, files, json_body)
    return await keeper.begin_ingestion(request, call=scope.call())


def _form_of(upload: Upload) -> dict[str, str]:
    form = {"metadata": json.dumps(upload.metadata)} if upload.metadata else {}
    if upload.acl != "kept":
        form["acl"] = json.dumps(None if upload.acl is None else sorted(upload.acl))
    return form
