"""Batches in a database: begun, looked at, cancelled, ended, and forgotten. Each method is one
transaction; several processes may use one database."""

import secrets
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from deployments.batches.contract import Batch, BatchKind, BatchRequest
from deployments.batches.files import FileStore, add_results_files, drop_file
from deployments.batches.ingestion import INGEST_PATH, given_up
from deployments.batches.owners import is_owned, owned_by
from deployments.batches.parsing import ParsedFile
from deployments.batches.records import batch_of, expired_line, submitter_columns
from deployments.batches.tables import (
    BatchRow,
    FileRow,
    LeaseRow,
    LineRow,
    PieceRow,
    ResultRow,
)
from deployments.contracts.errors import Conflict, NotFound

OPEN = ("in_progress", "cancelling")
_DAY_S = 86_400.0
_CHUNK = 1000


class BatchStore(FileStore):
    """Keeps batches, beside their files."""

    def create(self, request: BatchRequest, parsed: ParsedFile, *, now_s: float) -> Batch:
        """Keeps a new batch with its lines, or why there are none; all of it or nothing.

        Raises:
            Conflict: too many batches are open.
        """
        status = "failed" if parsed.errors else "in_progress"
        row = BatchRow(
            id=f"batch_{secrets.token_hex(12)}",
            status=status,
            endpoint=parsed.endpoint,
            input_file_id=request.input_file_id,
            completion_window=request.window,
            created_s=now_s,
            expires_s=now_s + request.window_s,
            owner=request.submitter.owner,
            submitter=submitter_columns(request.submitter),
            about=dict(request.metadata),
            errors={"data": [asdict(error) for error in parsed.errors]},
            reached_s={status: now_s},
            total=len(parsed.lines),
            next_place=0,
            completed=0,
            failed=0,
            turn_s=0.0,
        )
        lines = [
            {"batch_id": row.id, "place": place, **asdict(line)}
            for place, line in enumerate(parsed.lines)
        ]
        with self._writing() as session:
            self._require_few(session)
            session.add(row)
            for start in range(0, len(lines), _CHUNK):
                session.execute(insert(LineRow), lines[start : start + _CHUNK])
            session.flush()
            return batch_of(row)

    def batch(self, batch_id: str, *, owner: str | None) -> Batch:
        """See `BatchStage.batch`."""
        with self._reading() as session:
            return batch_of(existing_batch(session, batch_id, owner))

    def batches(
        self, kind: BatchKind, *, after: str | None, limit: int, owner: str | None
    ) -> list[Batch]:
        """See `BatchStage.batches`."""
        ingests = BatchRow.endpoint == INGEST_PATH
        with self._reading() as session:
            wanted = select(BatchRow).order_by(BatchRow.number.desc()).limit(limit)
            wanted = wanted.where(ingests if kind == "ingestions" else ~ingests)
            if after is not None:
                number = existing_batch(session, after, owner).number
                wanted = wanted.where(BatchRow.number < number)
            if owner is not None:
                wanted = wanted.where(owned_by(BatchRow.owner, owner))
            return [batch_of(row) for row in session.scalars(wanted)]

    def cancel(self, batch_id: str, *, owner: str | None, now_s: float) -> Batch:
        """See `BatchStage.cancel`. Where nobody works on it, it has been cancelled by then."""
        with self._writing() as session:
            row = existing_batch(session, batch_id, owner)
            if row.status not in OPEN:
                raise Conflict(f"The batch has ended: it is {row.status}.")
            if row.status == "in_progress":
                reach(row, "cancelling", now_s)
            end_if_over(session, row, now_s=now_s)
            return batch_of(row)

    def sweep(self, *, now_s: float) -> int:
        """Ends batches whose time is over, and those for which nobody works any more, and returns
        how many that were."""
        ended = 0
        with self._writing() as session:
            wanted = select(BatchRow).where(BatchRow.status.in_(OPEN)).order_by(BatchRow.number)
            for row in session.scalars(wanted.with_for_update()):
                ended += end_if_over(session, row, now_s=now_s)
        return ended

    def forget(self, *, now_s: float) -> int:
        """Deletes batches that ended too long ago, with their files, and files that nobody has made
        a batch of; returns how many batches and files that were."""
        before_s = now_s - self._args.results_days * _DAY_S
        with self._writing() as session:
            old = (BatchRow.created_s < before_s) & BatchRow.status.not_in(OPEN)
            ended = session.execute(select(BatchRow.id, BatchRow.reached_s).where(old))
            batches = [row.id for row in ended if max(row.reached_s.values()) < before_s]
            for tables in _chunks(batches):
                for table in (ResultRow, LeaseRow, LineRow):
                    session.execute(delete(table).where(table.batch_id.in_(tables)))
                session.execute(delete(BatchRow).where(BatchRow.id.in_(tables)))
            unused = FileRow.created_s < before_s
            unused &= FileRow.batch_id.is_(None) | FileRow.batch_id.not_in(select(BatchRow.id))
            unused &= FileRow.id.not_in(select(BatchRow.input_file_id))
            files = list(session.scalars(select(FileRow.id).where(unused)))
            for ids in _chunks(files):
                session.execute(delete(PieceRow).where(PieceRow.file_id.in_(ids)))
                session.execute(delete(FileRow).where(FileRow.id.in_(ids)))
        return len(batches) + len(files)

    def has_open(self) -> bool:
        """Returns whether any batch has not ended."""
        with self._reading() as session:
            found = select(BatchRow.number).where(BatchRow.status.in_(OPEN)).limit(1)
            return session.scalar(found) is not None

    def _require_few(self, session: Session) -> None:
        count = select(func.count()).select_from(BatchRow).where(BatchRow.status.in_(OPEN))
        if (session.scalar(count) or 0) >= self._args.max_open:
            raise Conflict(
                f"{self._args.max_open} batches are open; wait until one has ended, or cancel one."
            )


def existing_batch(session: Session, batch_id: str, owner: str | None) -> BatchRow:
    """Returns the row of a batch, locked where the database locks rows; one of somebody else is as
    good as not there.

    Raises:
        NotFound: there is none.
    """
    wanted = select(BatchRow).where(BatchRow.id == batch_id)
    row = session.scalar(wanted.with_for_update())
    if row is None or not is_owned(row.owner, owner):
        raise NotFound(f"There is no batch '{batch_id}'.")
    return row


def reach(row: BatchRow, status: str, now_s: float) -> None:
    """Gives a batch another status, and notes when."""
    row.status = status
    row.reached_s = {**row.reached_s, status: now_s}


def end_if_over(session: Session, row: BatchRow, *, now_s: float) -> bool:
    """Ends an open batch that has nothing left to wait for, or no time; returns whether it has
    ended."""
    leased = LeaseRow.batch_id == row.id
    if row.status == "cancelling":
        awaited = leased & (LeaseRow.holder != "") & (LeaseRow.until_s > now_s)
        if session.scalar(select(LeaseRow.place).where(awaited).limit(1)) is not None:
            return False
        status = "cancelled"
    elif row.completed + row.failed >= row.total:
        status = "completed"
    elif row.expires_s <= now_s:
        status = "expired"
        _expire_rest(session, row)
    else:
        return False
    session.execute(delete(LeaseRow).where(leased))
    if status == "completed":
        row.reached_s = {**row.reached_s, "finalizing": now_s}
    if row.endpoint == INGEST_PATH:
        drop_file(session, row.input_file_id)
    else:
        add_results_files(session, row, now_s=now_s)
    reach(row, status, now_s)
    return True


def _expire_rest(session: Session, row: BatchRow) -> None:
    """Gives every line without a result the one that there was no time left."""
    answered = select(ResultRow.place).where(ResultRow.batch_id == row.id)
    rest = select(LineRow).where(LineRow.batch_id == row.id).where(LineRow.place.not_in(answered))
    results: list[dict[str, Any]] = []
    for line in session.scalars(rest.order_by(LineRow.place)):
        content = given_up() if row.endpoint == INGEST_PATH else expired_line(line)
        results.append(result_columns(line.batch_id, line.place, content, failed=True))
    for start in range(0, len(results), _CHUNK):
        session.execute(insert(ResultRow), results[start : start + _CHUNK])
    row.failed += len(results)


def result_columns(batch_id: str, place: int, content: str, *, failed: bool) -> dict[str, Any]:
    """Returns a result as a row holds it; its size counts the end of the line."""
    return {
        "batch_id": batch_id,
        "place": place,
        "failed": failed,
        "size_bytes": len(content.encode()) + 1,
        "content": content,
    }


def _chunks(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
