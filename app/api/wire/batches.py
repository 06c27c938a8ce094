"""Batches and their files as OpenAI's clients see them."""

from app.schemas.batches import BatchCounts, BatchErrorEntry, BatchErrors, BatchObject
from app.schemas.files.files import FileObject
from deployments.batches.contract import Batch, KeptFile


def batch_object(batch: Batch) -> BatchObject:
    """Returns a batch on the wire."""

    def at(status: str) -> int | None:
        reached_s = batch.reached_s.get(status)
        return None if reached_s is None else int(reached_s)

    errors = None
    if batch.errors:
        errors = BatchErrors(data=[BatchErrorEntry.model_validate(one) for one in batch.errors])
    return BatchObject(
        id=batch.id,
        endpoint=batch.endpoint,
        errors=errors,
        input_file_id=batch.input_file_id,
        completion_window=batch.window,
        status=batch.status,
        output_file_id=batch.output_file_id,
        error_file_id=batch.error_file_id,
        created_at=int(batch.created_s),
        in_progress_at=at("in_progress"),
        expires_at=int(batch.expires_s),
        finalizing_at=at("finalizing"),
        completed_at=at("completed"),
        failed_at=at("failed"),
        expired_at=at("expired"),
        cancelling_at=at("cancelling"),
        cancelled_at=at("cancelled"),
        request_counts=BatchCounts(
            total=batch.total, completed=batch.completed, failed=batch.failed
        ),
        metadata=dict(batch.metadata) or None,
    )


def batch_file_object(file: KeptFile) -> FileObject:
    """Returns a file of a batch on the wire."""
    return FileObject(
        id=file.id,
        bytes=file.size_bytes,
        created_at=int(file.created_s),
        filename=file.filename,
        purpose=file.purpose,
    )
