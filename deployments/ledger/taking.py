"""How a report becomes rows: once, and beside other writers; and which reports never will."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.orm import Session

from deployments.activity import ActivityReport, GivenAnswer, ReleaseMinute, Usage, UsageKey
from deployments.contracts.errors import InvalidRequest, RagError
from deployments.control.stored import insert_into
from deployments.ledger.records import merged, pack, plain, sample_values, unpack
from deployments.ledger.tables import (
    AnswerRow,
    MinuteRow,
    ReporterRow,
    SampleRow,
    UsageRow,
    VectorRow,
)
from deployments.ledger.usage_sums import AMOUNTS

_log = logging.getLogger("ray.serve")
_KEY = [field.name for field in fields(UsageKey)]
_ANSWER = [field.name for field in fields(GivenAnswer)]
_ANSWER_KEY = ["tenant", "request_id"]


class ReportTaker:
    """Writes reports in a transaction.

    Args:
        session: Of a transaction that writes.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, report: ActivityReport, *, now_s: float) -> bool:
        """Writes a report unless it was written before, and returns whether it was not.

        Rows are written in their order, so that no two writers wait for each other.
        """
        if not self._is_new(report, now_s):
            return False
        if report.answers:
            # First: who rates one holds its row while they add to its minute.
            self._add_answers(report.answers)
        for fingerprint, vector in sorted(report.vectors.items()):
            row = insert_into(self._session, VectorRow).values(
                fingerprint=fingerprint, vector=dict(vector)
            )
            self._session.execute(row.on_conflict_do_nothing())
        for key, usage in sorted(_plain_usage(report).items(), key=lambda item: item[0]):
            self._add_usage(key, usage)
        for minute in sorted(report.minutes, key=place_of):
            add_minute(self._session, minute, now_s=now_s)
        if report.samples:
            samples = [sample_values(sample) for sample in report.samples]
            self._session.execute(insert(SampleRow), samples)
        return True

    def _is_new(self, report: ActivityReport, now_s: float) -> bool:
        """Returns whether a report was not taken yet, and notes that it is. Of two writers that
        have the same one, the second waits here for the first."""
        new = insert_into(self._session, ReporterRow).values(
            replica=report.replica, sequence=report.sequence, seen_s=now_s
        )
        noted = new.on_conflict_do_update(
            index_elements=[ReporterRow.replica],
            set_={"sequence": new.excluded.sequence, "seen_s": new.excluded.seen_s},
            where=ReporterRow.sequence < new.excluded.sequence,
        )
        return self._session.scalar(noted.returning(ReporterRow.sequence)) is not None

    def _add_usage(self, key: tuple[str, ...], usage: Usage) -> None:
        amounts = {name: getattr(usage, name) for name in AMOUNTS}
        new = insert_into(self._session, UsageRow).values(
            **dict(zip(_KEY, key, strict=True)), **amounts
        )
        added = {name: getattr(UsageRow, name) + new.excluded[name] for name in AMOUNTS}
        self._session.execute(new.on_conflict_do_update(index_elements=_KEY, set_=added))

    def _add_answers(self, answers: Sequence[GivenAnswer]) -> None:
        """Writes them in their order; of equal ids the latest one stays."""
        rows = {(plain(one.tenant), one.request_id): one for one in answers}
        new = insert_into(self._session, AnswerRow)
        changed = {name: new.excluded[name] for name in _ANSWER if name not in _ANSWER_KEY}
        values = [
            {name: _plain(getattr(one, name)) for name in _ANSWER}
            for _, one in sorted(rows.items(), key=lambda item: item[0])
        ]
        added = new.on_conflict_do_update(index_elements=_ANSWER_KEY, set_=changed)
        self._session.connection().execute(added, values)


def add_minute(session: Session, part: ReleaseMinute, *, now_s: float) -> None:
    """Adds a part of a minute to what is known of it, so that MLflow gets it anew."""
    empty = insert_into(session, MinuteRow).values(
        release=plain(part.release),
        fingerprint=part.fingerprint,
        minute=part.minute,
        content=b"",
        changes=0,
        changed_s=now_s,
        recorded=False,
    )
    session.execute(empty.on_conflict_do_nothing())
    row = session.scalars(select(MinuteRow).where(row_of(part)).with_for_update()).one()
    if row.content:
        part = merged(unpack(row.release, row.fingerprint, row.minute, row.content), part)
    row.content, row.changed_s, row.recorded = pack(part), now_s, False
    row.changes += 1
    session.flush()


@contextmanager
def refusals_as_ours() -> Iterator[None]:
    """Turns what a report itself is at fault for into InvalidRequest: a value that no row can hold,
    or that breaks a constraint. What a database may get over passes as it is."""
    try:
        yield
    except RagError:
        raise
    except Exception as error:
        if _may_pass(error):
            raise
        _log.exception("a report of activity cannot be kept")
        raise InvalidRequest("The report holds what the database cannot keep.", "tracker") from None


def _may_pass(error: Exception) -> bool:
    """Returns whether the same report may be kept later. What is no error of the database at all
    arose from its values, before or after they went there."""
    refused = isinstance(error, IntegrityError | DataError) or type(error) is StatementError
    return isinstance(error, SQLAlchemyError) and not refused


def place_of(minute: ReleaseMinute) -> tuple[str, str, int]:
    """Returns what minutes are ordered by where several are written."""
    return minute.release, minute.fingerprint, minute.minute


def row_of(minute: ReleaseMinute) -> Any:
    """Returns the condition that finds the row of a minute."""
    return (
        (MinuteRow.release == plain(minute.release))
        & (MinuteRow.fingerprint == minute.fingerprint)
        & (MinuteRow.minute == minute.minute)
    )


def _plain(value: str | float) -> str | float:
    return plain(value) if isinstance(value, str) else value


def _plain_usage(report: ActivityReport) -> dict[tuple[str, ...], Usage]:
    found: dict[tuple[str, ...], Usage] = {}
    for key, usage in report.usage.items():
        parts = tuple(plain(getattr(key, name)) for name in _KEY)
        found[parts] = found.get(parts, Usage()) + usage
    return found
