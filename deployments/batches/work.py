"""Who works on which line: leases are given, renewed and taken back, and what comes of a line is
kept once.

All that a runner tells at a time is one transaction, so that ten thousand lines are not ten
thousand times a wait for the disk.
"""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.orm import Session

from deployments.batches.contract import Line, LineKey, LineResult, PutOff, Work, WorkReport
from deployments.batches.files import drop_content
from deployments.batches.ingestion import INGEST_PATH, SourceLine
from deployments.batches.records import line_of
from deployments.batches.store import OPEN, BatchStore, end_if_over, result_columns
from deployments.batches.tables import BatchRow, LeaseRow, LineRow, ResultRow

_GIVEN_BYTES = 4 * 2**20
"""Bytes of lines that are given at once, where a single one is not more."""


class WorkStore(BatchStore):
    """Gives out the lines of the batches that it keeps."""

    def exchange(self, report: WorkReport, *, now_s: float) -> Work:
        """See `BatchStage.exchange`."""
        said = report.held or report.results or report.put_off
        if not said and not self.has_open():
            return Work()
        with self._writing() as session:
            wanted = select(BatchRow).where(BatchRow.status.in_(OPEN))
            turns = session.scalars(wanted.order_by(BatchRow.turn_s, BatchRow.number))
            # In one order, so that no two writers wait for each other.
            found = list(turns)
            _lock(session, found)
            open_batches = {row.id: row for row in found if row.status in OPEN}
            _keep_results(session, report.results, open_batches)
            _put_off(session, report.put_off, now_s)
            lost = self._renew(session, report, now_s)
            lines = self._give(session, report, open_batches.values(), now_s)
            for row in open_batches.values():
                end_if_over(session, row, now_s=now_s)
        return Work(tuple(lines), tuple(lost))

    def _renew(self, session: Session, report: WorkReport, now_s: float) -> list[LineKey]:
        """Renews the leases of what a runner has, takes back what it was given and does not name,
        and returns what is not its own any more."""
        own = select(LeaseRow).where(LeaseRow.holder == report.runner)
        leases = {
            LineKey(row.batch_id, row.place, row.attempt): row for row in session.scalars(own)
        }
        held = set(report.held)
        for key, row in leases.items():
            if key in held:
                row.until_s = now_s + self._args.lease_s
            else:
                row.holder, row.until_s = "", now_s
        session.flush()
        return [key for key in report.held if key not in leases]

    def _give(
        self, session: Session, report: WorkReport, batches: Iterable[BatchRow], now_s: float
    ) -> list[Line]:
        """Returns lines of the batches whose turn it is, up to what is wanted."""
        given: list[Line] = []
        room_bytes = _GIVEN_BYTES
        for batch in batches:
            if batch.status != "in_progress" or batch.expires_s <= now_s:
                continue
            while len(given) < report.wants and room_bytes > 0:
                line = self._take_free(session, batch, report.runner, now_s)
                if line is None:
                    break
                given.append(line)
                room_bytes -= len(line.body)
                batch.turn_s = now_s
        return given

    def _take_free(
        self, session: Session, batch: BatchRow, runner: str, now_s: float
    ) -> Line | None:
        """Leases the first line of a batch that is free: one that somebody left, or the next."""
        free = (LeaseRow.batch_id == batch.id) & (LeaseRow.until_s <= now_s)
        lease = session.scalar(select(LeaseRow).where(free).order_by(LeaseRow.place).limit(1))
        if lease is None:
            if batch.next_place >= batch.total:
                return None
            lease = LeaseRow(batch_id=batch.id, place=batch.next_place, attempt=0, tries=0)
            session.add(lease)
            batch.next_place += 1
        lease.attempt += 1
        lease.holder, lease.until_s = runner, now_s + self._args.lease_s
        session.flush()
        line = session.get(LineRow, (batch.id, lease.place))
        assert line is not None, "a batch and its lines are written together"
        return line_of(line, lease, batch)


def _lock(session: Session, rows: Iterable[BatchRow]) -> None:
    """Has others who write these batches wait; what they wrote meanwhile is read."""
    for row in sorted(rows, key=lambda row: row.number):
        session.refresh(row, with_for_update=True)


def _keep_results(
    session: Session, results: Iterable[LineResult], open_batches: dict[str, BatchRow]
) -> None:
    """Keeps results whose lease still holds; all others were kept before, or come from somebody
    else."""
    rows = []
    count: Counter[tuple[str, bool]] = Counter()
    for result in results:
        key = result.key
        if key.batch_id in open_batches and _end_lease(session, key):
            rows.append(
                result_columns(key.batch_id, key.place, result.content, failed=result.failed)
            )
            count[key.batch_id, result.failed] += 1
            if open_batches[key.batch_id].endpoint == INGEST_PATH:
                _drop_source(session, key)
    if rows:
        session.execute(insert(ResultRow), rows)
    for (batch_id, failed), more in count.items():
        batch = open_batches[batch_id]
        if failed:
            batch.failed += more
        else:
            batch.completed += more


def _drop_source(session: Session, key: LineKey) -> None:
    """Removes the bytes of a document of which something has come: nobody reads them again."""
    line = session.get(LineRow, (key.batch_id, key.place))
    assert line is not None, "a batch and its lines are written together"
    source = SourceLine.of(line.body)
    end = source.offset + source.size_bytes
    drop_content(session, source.file_id, start=source.offset, end=end)


def _end_lease(session: Session, key: LineKey) -> bool:
    """Ends a lease, and returns whether it held."""
    gone = delete(LeaseRow).where(_is(key)).returning(LeaseRow.place)
    return session.scalar(gone) is not None


def _put_off(session: Session, put_off: Iterable[PutOff], now_s: float) -> None:
    for line in put_off:
        free = {"holder": "", "until_s": now_s + line.after_s, "tries": LeaseRow.tries + 1}
        session.execute(update(LeaseRow).where(_is(line.key)).values(**free))


def _is(key: LineKey) -> ColumnElement[bool]:
    return (
        (LeaseRow.batch_id == key.batch_id)
        & (LeaseRow.place == key.place)
        & (LeaseRow.attempt == key.attempt)
    )
