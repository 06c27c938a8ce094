"""Ingestions as clients see them."""

from typing import get_args

from app.schemas.ingestions import Ingestion, IngestionSource, IngestionStatus, SourceCounts
from deployments.batches.contract import Batch
from deployments.batches.ingestion import SourceStatus

_ENDED = ("completed", "expired", "cancelled")
_STATUSES: tuple[IngestionStatus, ...] = get_args(IngestionStatus)


def ingestion_of(batch: Batch) -> Ingestion:
    """Returns an ingestion on the wire."""
    reached = [batch.reached_s[status] for status in _ENDED if status in batch.reached_s]
    status = next(one for one in _STATUSES if one == batch.status)
    return Ingestion(
        id=batch.id,
        status=status,
        created_at=int(batch.created_s),
        expires_at=int(batch.expires_s),
        ended_at=int(reached[0]) if reached else None,
        counts=SourceCounts(total=batch.total, read=batch.completed, failed=batch.failed),
    )


def source_of(status: SourceStatus) -> IngestionSource:
    """Returns a document of an ingestion on the wire."""
    return IngestionSource(
        number=status.place + 1,
        name=status.name,
        size_bytes=status.size_bytes,
        status=status.state,
        tries=status.tries,
        document_id=status.document_id,
        chunk_count=status.chunk_count,
        message=status.message,
        warnings=list(status.warnings),
    )
