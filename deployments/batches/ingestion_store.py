"""Ingestions in the database: begun, and looked at document by document."""

import secrets

from sqlalchemy import and_, insert, select

from deployments.batches.contract import Batch
from deployments.batches.erasing import ErasableStore
from deployments.batches.files import pieces_of, plain
from deployments.batches.ingestion import (
    INGEST_PATH,
    INGESTION_PREFIX,
    IngestionRequest,
    Source,
    SourceLine,
    SourceState,
    SourceStatus,
    sources_of,
)
from deployments.batches.records import batch_of, submitter_columns
from deployments.batches.store import OPEN, existing_batch
from deployments.batches.tables import BatchRow, FileRow, LeaseRow, LineRow, PieceRow, ResultRow

_MAX_SOURCES = 1000
"""As many as one request may bring."""
_MAX_NAME_CHARS = 1024


class IngestionStore(ErasableStore):
    """Keeps ingestions, beside batches."""

    def begin_ingestion(self, request: IngestionRequest, *, now_s: float) -> Batch:
        """Keeps an ingestion with all that it brings, or nothing of it.

        Raises:
            Conflict: too many batches are open, or there is no room.
            MalformedRequest, InvalidRequest: see `sources_of`.
        """
        sources = sources_of(request, max_sources=_MAX_SOURCES)
        number = secrets.token_hex(12)
        row = _batch_row(f"{INGESTION_PREFIX}{number}", f"file-ingest-{number}", request, now_s)
        row.total = len(sources)
        with self._writing() as session:
            self._require_few(session)
            size_bytes = sum(len(source.content) for source in sources)
            self._require_room(session, size_bytes)
            session.add(_file_row(row, size_bytes))
            session.add(row)
            offset = 0
            lines = []
            for place, source in enumerate(sources):
                lines.append(_line(row, place, source, offset))
                for piece in pieces_of(source.content, start=offset):
                    session.execute(insert(PieceRow), {"file_id": row.input_file_id, **piece})
                offset += len(source.content)
            session.execute(insert(LineRow), lines)
            session.flush()
            return batch_of(row)

    def sources(
        self, ingestion_id: str, *, after: int, limit: int, owner: str | None, now_s: float
    ) -> list[SourceStatus]:
        """Returns documents from the place after another one on, each as it is now; -1 is before
        the first. Raises NotFound."""
        with self._reading() as session:
            batch = existing_batch(session, ingestion_id, owner)
            same = and_(LeaseRow.batch_id == LineRow.batch_id, LeaseRow.place == LineRow.place)
            ended = and_(ResultRow.batch_id == LineRow.batch_id, ResultRow.place == LineRow.place)
            wanted = (
                select(LineRow, LeaseRow, ResultRow.content)
                .outerjoin(LeaseRow, same)
                .outerjoin(ResultRow, ended)
                .where((LineRow.batch_id == ingestion_id) & (LineRow.place > after))
                .order_by(LineRow.place)
                .limit(limit)
            )
            is_open = batch.status in OPEN
            return [
                _status(line, lease, content, is_open=is_open, now_s=now_s)
                for line, lease, content in session.execute(wanted)
            ]


def _batch_row(
    ingestion_id: str, file_id: str, request: IngestionRequest, now_s: float
) -> BatchRow:
    return BatchRow(
        id=ingestion_id,
        status="in_progress",
        endpoint=INGEST_PATH,
        input_file_id=file_id,
        completion_window=f"{request.window_s:g}s",
        created_s=now_s,
        expires_s=now_s + request.window_s,
        owner=request.submitter.owner,
        submitter=submitter_columns(request.submitter),
        about={},
        errors={"data": []},
        reached_s={"in_progress": now_s},
        total=0,
        next_place=0,
        completed=0,
        failed=0,
        turn_s=0.0,
    )


def _file_row(batch: BatchRow, size_bytes: int) -> FileRow:
    return FileRow(
        id=batch.input_file_id,
        purpose="ingestion",
        filename=batch.id,
        size_bytes=size_bytes,
        created_s=batch.created_s,
        owner=batch.owner,
        batch_id=batch.id,
    )


def _line(batch: BatchRow, place: int, source: Source, offset: int) -> dict[str, object]:
    size_bytes = len(source.content)
    line = SourceLine(batch.input_file_id, offset, size_bytes, source.kind, source.form)
    return {
        "batch_id": batch.id,
        "place": place,
        "custom_id": plain(source.name, _MAX_NAME_CHARS),
        "url": INGEST_PATH,
        "body": line.written(),
    }


def _status(
    line: LineRow, lease: LeaseRow | None, content: str | None, *, is_open: bool, now_s: float
) -> SourceStatus:
    said = SourceLine.of(line.body)
    state: SourceState = "waiting" if is_open else "cancelled"
    if is_open and lease is not None and lease.holder and lease.until_s > now_s:
        state = "reading"
    tries = 0 if lease is None else lease.tries
    status = SourceStatus(line.place, line.custom_id, said.size_bytes, state, tries)
    return status if content is None else status.with_result(content)
