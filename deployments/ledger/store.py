"""What the gateway served, in a database. Each method is one transaction; several processes may use
one database at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update

from deployments.activity import (
    ActivityReport,
    QuerySample,
    ReleaseMinute,
    UsageQuery,
    UsageRow,
)
from deployments.contracts.erasure import ErasureScope
from deployments.contracts.errors import InvalidRequest
from deployments.control.stored import Stored, belongs_to, count_of, insert_into
from deployments.ledger.records import sample_of, unpack
from deployments.ledger.tables import (
    AnswerRow,
    ClaimRow,
    MinuteRow,
    ReporterRow,
    SampleRow,
    VectorRow,
)
from deployments.ledger.taking import (
    ReportTaker,
    place_of,
    refusals_as_ours,
    row_of,
)
from deployments.ledger.usage_sums import sums_of, usage_rows

_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class KeptMinute:
    """A minute as it is now; `changes` tells whether it has changed since."""

    minute: ReleaseMinute
    changes: int


class Ledger(Stored):
    """Keeps activity, in the same database as rollouts."""

    def take(self, report: ActivityReport, *, now_s: float) -> bool:
        """Keeps a report, and returns whether it is new; one that was kept changes nothing.

        Raises:
            InvalidRequest: it can never be kept, however often it is sent; nothing of it was.
        """
        with self._writing() as session, refusals_as_ours():
            return ReportTaker(session).take(report, now_s=now_s)

    def usage(self, query: UsageQuery) -> list[UsageRow]:
        """Returns usage in the order of its groups.

        Raises:
            InvalidRequest: there are more rows than the query allows.
        """
        with self._reading() as session:
            found = session.execute(sums_of(query)).all()
        if len(found) > query.limit:
            raise InvalidRequest(
                f"There are more than {query.limit} rows: ask for fewer days, or group by less."
            )
        return usage_rows(query, found)

    def unrecorded(self, *, before: int, quiet_since_s: float, limit: int) -> list[KeptMinute]:
        """Returns minutes that MLflow does not have yet, oldest first.

        Args:
            before: Minutes from here on are left out: they are not over.
            quiet_since_s: As are those to which something was added later than that.
            limit: How many at most.
        """
        over = ~MinuteRow.recorded & (MinuteRow.minute < before)
        wanted = (
            select(MinuteRow)
            .where(over & (MinuteRow.changed_s <= quiet_since_s))
            .order_by(MinuteRow.minute, MinuteRow.release, MinuteRow.fingerprint)
            .limit(limit)
        )
        with self._reading() as session:
            return [
                KeptMinute(
                    unpack(row.release, row.fingerprint, row.minute, row.content), row.changes
                )
                for row in session.scalars(wanted)
            ]

    def mark_recorded(self, minutes: Collection[KeptMinute]) -> None:
        """Notes that MLflow has these minutes, save those that have changed since they were
        read."""
        with self._writing() as session:
            for minute in sorted(minutes, key=lambda kept: place_of(kept.minute)):
                as_read = row_of(minute.minute) & (MinuteRow.changes == minute.changes)
                session.execute(update(MinuteRow).where(as_read).values(recorded=True))

    def minutes(self, *, since: int) -> list[ReleaseMinute]:
        """Returns all minutes from one on, oldest first."""
        wanted = (
            select(MinuteRow)
            .where(MinuteRow.minute >= since)
            .order_by(MinuteRow.minute, MinuteRow.release, MinuteRow.fingerprint)
        )
        with self._reading() as session:
            return [
                unpack(row.release, row.fingerprint, row.minute, row.content)
                for row in session.scalars(wanted)
            ]

    def claim(self, work: str, holder: str, *, now_s: float, until_s: float) -> bool:
        """Returns whether this process may do some work that only one may do at once: nobody else
        may until then. Who claims it again has more time, or, with a time that is over, gives it
        back.

        Args:
            work: What is to be done.
            holder: Names the process.
            now_s: Seconds since the epoch.
            until_s: When it is surely over, though the process should be killed.
        """
        with self._writing() as session:
            new = insert_into(session, ClaimRow).values(work=work, holder=holder, until_s=until_s)
            claimed = new.on_conflict_do_update(
                index_elements=[ClaimRow.work],
                set_={"holder": holder, "until_s": until_s},
                where=(ClaimRow.until_s <= now_s) | (ClaimRow.holder == holder),
            )
            return session.scalar(claimed.returning(ClaimRow.work)) is not None

    def vector(self, fingerprint: str) -> Mapping[str, Any]:
        """Returns what a release was made of; nothing where that is not known."""
        with self._reading() as session:
            row = session.get(VectorRow, fingerprint)
            return {} if row is None else row.vector

    def samples(
        self, release: str, *, since_s: float, until_s: float, limit: int
    ) -> list[QuerySample]:
        """Returns the latest sampled queries of a release between two times, oldest first."""
        latest = (
            select(SampleRow)
            .where(SampleRow.release == release)
            .where((SampleRow.at_s >= since_s) & (SampleRow.at_s < until_s))
            .order_by(SampleRow.at_s.desc(), SampleRow.id.desc())
            .limit(limit)
        )
        with self._reading() as session:
            return [sample_of(row) for row in session.scalars(latest)][::-1]

    def sampled_releases(self, *, since_s: float, until_s: float) -> list[str]:
        """Returns the releases that have sampled queries between two times, by name."""
        wanted = (
            select(SampleRow.release)
            .where((SampleRow.at_s >= since_s) & (SampleRow.at_s < until_s))
            .distinct()
            .order_by(SampleRow.release)
        )
        with self._reading() as session:
            return list(session.scalars(wanted))

    def erase_tenant(self, tenant: str) -> int:
        """Deletes the sampled queries of a tenant, of whose embeddings much of a text can be read,
        and returns how many; sums of usage stay, which hold none."""
        with self._erasing() as session:
            return count_of(session, delete(SampleRow).where(SampleRow.tenant == tenant))

    def erase(self, scope: ErasureScope) -> int:
        """Deletes the sampled queries of a conversation or a user, and returns how many."""
        with self._erasing() as session:
            return count_of(session, delete(SampleRow).where(belongs_to(SampleRow, scope)))

    def forget(
        self,
        *,
        samples_s: float,
        recorded_s: float,
        unrecorded_s: float,
        reporters_s: float,
        answers_s: float,
    ) -> int:
        """Deletes what is older than these times, in seconds since the epoch, and returns how many
        rows that were. Usage stays.

        Args:
            samples_s: Of sampled queries.
            recorded_s: Of minutes that MLflow has.
            unrecorded_s: Of the others.
            reporters_s: When a replica reported last.
            answers_s: Of answers, which cannot be assessed any more.
        """
        minute = MinuteRow.minute
        old_minutes = (MinuteRow.recorded & (minute < recorded_s // _MINUTE_S)) | (
            minute < unrecorded_s // _MINUTE_S
        )
        with self._writing() as session:
            return sum(
                count_of(session, delete(table).where(old))
                for table, old in (
                    (SampleRow, SampleRow.at_s < samples_s),
                    (MinuteRow, old_minutes),
                    (ReporterRow, ReporterRow.seen_s < reporters_s),
                    (AnswerRow, AnswerRow.at_s < answers_s),
                )
            )
