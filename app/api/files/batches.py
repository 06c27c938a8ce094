"""`/v1/vector_stores/{id}/file_batches`: files attached together. The work is done before the
answer, and nothing of it is kept: the id of a batch says when it was and how it ended."""

import re
import time
from collections.abc import Collection, Sequence
from typing import Annotated

from fastapi import APIRouter, Path

from app.access.route_scopes import needs
from app.api.files.attributes import set_attributes
from app.api.files.store import IN_STORE
from app.api.requests.caller import CALLERS
from app.api.requests.dependencies import JSON_BODY, ArgsIn, GatewayIn, ScopeIn
from app.schemas.files.store_files import AttachedFile, FileBatch, FileBatchRequest
from app.schemas.files.stores import STORE, FileCounts
from app.schemas.wire import problem_responses
from deployments.contracts.errors import Conflict, NotFound, RequestError, UnsupportedField

router = APIRouter(
    prefix="/v1/vector_stores/{vector_store_id}/file_batches",
    tags=["files"],
    dependencies=[needs("query"), *CALLERS, *IN_STORE],
)
_ID = re.compile(r"vsfb_([0-9a-f]{8,10})-([0-9]{1,4})-([0-9]{1,4})")
_MAX_NAMED = 5
BatchId = Annotated[str, Path(max_length=64, examples=["vsfb_6955b900-3-0"])]


@router.post(
    "", dependencies=[needs("ingest"), *JSON_BODY], responses=problem_responses(401, 403, 413, 415)
)
async def attach_files(
    body: FileBatchRequest, scope: ScopeIn, gateway: GatewayIn, args: ArgsIn
) -> FileBatch:
    """Gives files their attributes, beside what they say of themselves. A file of which no text was
    kept counts as failed."""
    attached = body.attached()
    scope = scope.within(args.ingest_timeout_s)
    retriever = gateway.releases.main().retrieval.retriever
    known = await retriever.records([file.file_id for file in attached], call=scope.call())
    _require_all(attached, known.keys())
    failed = 0
    for file in attached:
        record = known[file.file_id]
        attributes = {**record.metadata, **(file.attributes or {})}
        try:
            await set_attributes(record, attributes, gateway, scope, args)
        except RequestError:
            failed += 1
    return _batch(int(time.time()), len(attached) - failed, failed)


@router.get("/{batch_id}", responses=problem_responses(401, 403))
async def get_batch(batch_id: BatchId) -> FileBatch:
    """Returns how a batch ended, by its id."""
    return _parse(batch_id)


@router.post("/{batch_id}/cancel", dependencies=[needs("ingest")], include_in_schema=False)
async def cancel_batch(batch_id: BatchId) -> None:
    """Says that there is nothing to cancel.

    Raises:
        NotFound, Conflict: always one of them.
    """
    _parse(batch_id)
    raise Conflict("The batch has ended: files are attached before a batch is answered.")


@router.get("/{batch_id}/files", include_in_schema=False)
async def list_batch_files(batch_id: BatchId) -> None:
    """Says where files are listed.

    Raises:
        NotFound, UnsupportedField: always one of them.
    """
    _parse(batch_id)
    raise UnsupportedField(
        "Which files were in a batch is not kept; all of them are listed by "
        f"GET /v1/vector_stores/{STORE}/files."
    )


def _require_all(attached: Sequence[AttachedFile], known: Collection[str]) -> None:
    """Raises NotFound before anything is changed, where a file is not there."""
    missing = [file.file_id for file in attached if file.file_id not in known]
    if missing:
        rest = f" and {len(missing) - _MAX_NAMED} more" if len(missing) > _MAX_NAMED else ""
        raise NotFound(f"There is no file {', '.join(missing[:_MAX_NAMED])}{rest}.")


def _batch(created_at: int, completed: int, failed: int) -> FileBatch:
    return FileBatch(
        id=f"vsfb_{created_at:08x}-{completed}-{failed}",
        created_at=created_at,
        vector_store_id=STORE,
        file_counts=FileCounts(completed=completed, failed=failed, total=completed + failed),
    )


def _parse(batch_id: str) -> FileBatch:
    """Returns the batch that an id tells of.

    Raises:
        NotFound: it is no id of a batch.
    """
    found = _ID.fullmatch(batch_id)
    if found is None:
        raise NotFound(f"There is no batch '{batch_id}'.")
    created_at, completed, failed = found.groups()
    return _batch(int(created_at, 16), int(completed), int(failed))
