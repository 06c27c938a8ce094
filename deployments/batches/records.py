"""Between what batches are made of and their rows."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from deployments.batches.contract import (
    Batch,
    FilePurpose,
    KeptFile,
    Line,
    LineError,
    LineKey,
    Submitter,
    line_id,
)
from deployments.batches.tables import BatchRow, FileRow, LeaseRow, LineRow

_EXPIRED = "The batch's time was over before this line was answered."


def file_of(row: FileRow) -> KeptFile:
    """Returns the file that a row holds."""
    purpose: FilePurpose = "batch_output" if row.purpose == "batch_output" else "batch"
    return KeptFile(row.id, purpose, row.filename, row.size_bytes, row.created_s, row.owner)


def batch_of(row: BatchRow) -> Batch:
    """Returns the batch that a row holds."""
    return Batch(
        id=row.id,
        status=row.status,  # type: ignore[arg-type]  # nothing else is written
        endpoint=row.endpoint,
        input_file_id=row.input_file_id,
        window=row.completion_window,
        created_s=row.created_s,
        expires_s=row.expires_s,
        owner=row.owner,
        total=row.total,
        completed=row.completed,
        failed=row.failed,
        output_file_id=row.output_file_id,
        error_file_id=row.error_file_id,
        metadata=row.about,
        errors=tuple(LineError(**error) for error in row.errors["data"]),
        reached_s=row.reached_s,
    )


def submitter_columns(submitter: Submitter) -> dict[str, object]:
    """Returns a submitter as a row holds it; what says nothing is left out, as by versions that did
    not know it."""
    return {name: value for name, value in asdict(submitter).items() if value is not None}


def _submitter_of(columns: Mapping[str, Any]) -> Submitter:
    known = {field.name for field in fields(Submitter)}
    said = {name: value for name, value in columns.items() if name in known}
    if said.get("groups") is not None:
        said["groups"] = tuple(said["groups"])
    return Submitter(**said)


def line_of(row: LineRow, lease: LeaseRow, batch: BatchRow) -> Line:
    """Returns a line to work on."""
    key = LineKey(row.batch_id, row.place, lease.attempt)
    submitter = _submitter_of(batch.submitter)
    return Line(key, row.custom_id, row.url, row.body, submitter, lease.tries)


def expired_line(row: LineRow) -> str:
    """Returns what the output says of a line for which there was no time left."""
    said = {
        "id": line_id(row.batch_id, row.place),
        "custom_id": row.custom_id,
        "response": None,
        "error": {"code": "batch_expired", "message": _EXPIRED},
    }
    return json.dumps(said, separators=(",", ":"))
