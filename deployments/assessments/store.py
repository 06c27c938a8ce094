"""Assessments in the database. Each method is one transaction; several processes may use one
database at once."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from deployments.assessments.contract import (
    AssessmentPage,
    AssessmentQuery,
    Feedback,
    Judgement,
    ReleaseScore,
)
from deployments.assessments.contract import KeptAssessment as Kept
from deployments.assessments.figures import release_scores, scored_answers
from deployments.assessments.rating import Rating, settle_rating
from deployments.assessments.tables import AssessmentRow
from deployments.contracts.erasure import ErasureScope
from deployments.contracts.errors import NotFound
from deployments.control.stored import Stored, belongs_to, count_of, insert_into
from deployments.control.tables import RatingRow
from deployments.ledger.records import plain
from deployments.ledger.tables import AnswerRow


class AssessmentStore(Stored):
    """Keeps assessments, in the same database as rollouts and figures."""

    def rate(self, feedback: Feedback) -> Kept:
        """Keeps what a person says of an answer, in the place of what they said before, and counts
        it among the figures of its release and as evidence of its rollout.

        Raises:
            NotFound: the tenant was given no such answer, or not lately.
            Conflict: too many people have rated it.
        """
        with self._writing() as session:
            answer = session.get(
                AnswerRow, (feedback.tenant, feedback.request_id), with_for_update=True
            )
            if answer is None:
                raise NotFound(
                    f"There is no answer '{feedback.request_id[:64]}' that could be rated: its "
                    "request id is not of this tenant, or too old."
                )
            return kept_of(Rating(session, answer, feedback).keep())

    def keep(self, judgements: Sequence[Judgement]) -> None:
        """Keeps what judges said; what is kept already stays as it is."""
        rows = [_row_of(one) for one in sorted(judgements, key=lambda one: one.id)]
        if rows:
            with self._writing() as session:
                new = insert_into(session, AssessmentRow).on_conflict_do_nothing()
                session.connection().execute(new, rows)

    def page(self, query: AssessmentQuery) -> AssessmentPage:
        """Returns assessments without texts of traces, the lowest scores first, of equal ones the
        latest.

        Raises:
            NotFound: there is none `after`.
        """
        wanted = select(AssessmentRow).where(*_asked(query))
        score, changed_s, id = AssessmentRow.score, AssessmentRow.changed_s, AssessmentRow.id
        wanted = wanted.order_by(score, changed_s.desc(), id).limit(query.limit + 1)
        with self._reading() as session:
            if query.after:
                last = _found(session, query)
                wanted = wanted.where(
                    or_(
                        score > last.score,
                        and_(score == last.score, changed_s < last.changed_s),
                        and_(score == last.score, changed_s == last.changed_s, id > last.id),
                    )
                )
            rows = [kept_of(row) for row in session.scalars(wanted)]
        return AssessmentPage(rows[: query.limit], len(rows) > query.limit)

    def scores(self, *, tenant: str | None, since_s: float) -> list[ReleaseScore]:
        """Returns how the answers of each release are assessed; see `AssessmentStage.scores`."""
        with self._reading() as session:
            return release_scores(session.execute(scored_answers(tenant, since_s)).all())

    def unrecorded(self, *, now_s: float, limit: int) -> list[Kept]:
        """Returns assessments that MLflow lacks and whose turn it is, in the order of that."""
        wanted = (
            select(AssessmentRow)
            .where(~AssessmentRow.recorded, AssessmentRow.due_s <= now_s)
            .order_by(AssessmentRow.due_s, AssessmentRow.id)
            .limit(limit)
        )
        with self._reading() as session:
            return [kept_of(row) for row in session.scalars(wanted)]

    def mark_recorded(self, kept: Kept) -> bool:
        """Notes that MLflow has an assessment as it was read, or will never have it; returns
        whether it still is there, said again or not."""
        with self._writing() as session:
            row = session.get(AssessmentRow, kept.id, with_for_update=True)
            if row is not None and row.version == kept.version:
                row.recorded = True
            return row is not None

    def postpone(self, kept: Kept, *, due_s: float) -> None:
        """Notes that the trace of an assessment has not come yet, and when to look again."""
        own = (AssessmentRow.id == kept.id) & (AssessmentRow.version == kept.version)
        later = {"due_s": due_s, "tries": AssessmentRow.tries + 1}
        with self._writing() as session:
            session.execute(update(AssessmentRow).where(own).values(**later))

    def of_scope(self, scope: ErasureScope, *, limit: int) -> list[Kept]:
        """Returns some of what a user has said, and of what was said of answers to them, or of
        those of a conversation."""
        mine = belongs_to(AssessmentRow, scope)
        if not scope.conversation:
            said = AssessmentRow.rater_mark == scope.user_mark
            mine = or_(mine, and_(AssessmentRow.tenant == scope.tenant, said))
        return self._some(mine, limit)

    def of_tenant(self, tenant: str, *, limit: int) -> list[Kept]:
        """Returns some of what was said of the answers of a tenant."""
        return self._some(AssessmentRow.tenant == tenant, limit)

    def remove(self, kept: Sequence[Kept]) -> int:
        """Deletes assessments, and returns how many; sums of figures stay, which hold no text."""
        ids = [one.id for one in kept]
        with self._erasing() as session:
            removed = count_of(session, delete(AssessmentRow).where(AssessmentRow.id.in_(ids)))
            for tenant, request_id in sorted({(one.tenant, one.request_id) for one in kept}):
                settle_rating(session, tenant, request_id)
            return removed

    def forget_answers(self, which: ErasureScope | str) -> int:
        """Deletes the ids of the answers of a user or a conversation, or of a tenant, and returns
        how many: nobody can assess these any more."""
        mine = AnswerRow.tenant == which
        if isinstance(which, ErasureScope):
            mine = belongs_to(AnswerRow, which)
        with self._erasing() as session:
            return count_of(session, delete(AnswerRow).where(mine))

    def forget(self, *, before_s: float) -> int:
        """Deletes what was said last before then, and returns how many rows that were."""
        old = AssessmentRow.changed_s < before_s, RatingRow.at_s < before_s
        with self._writing() as session:
            return sum(
                count_of(session, delete(table).where(one))
                for table, one in zip((AssessmentRow, RatingRow), old, strict=True)
            )

    def _some(self, which: Any, limit: int) -> list[Kept]:
        wanted = select(AssessmentRow).where(which).order_by(AssessmentRow.id).limit(limit)
        with self._reading() as session:
            return [kept_of(row) for row in session.scalars(wanted)]


def kept_of(row: AssessmentRow) -> Kept:
    """Returns the assessment that a row holds."""
    values: dict[str, Any] = {name: getattr(row, name) for name in _COLUMNS}
    return Kept(**values)


_JUDGED: Collection[str] = [name for name in Judgement.__dataclass_fields__ if name != "at_s"]
_COLUMNS: Collection[str] = [name for name in Kept.__dataclass_fields__ if name != "recorded"]


def _row_of(judgement: Judgement) -> dict[str, Any]:
    values = {name: getattr(judgement, name) for name in _JUDGED}
    values |= {name: plain(said) for name, said in values.items() if isinstance(said, str)}
    values |= dict.fromkeys(("created_s", "changed_s", "due_s"), judgement.at_s)
    values |= dict.fromkeys(("thumb", "comment", "correction"), "")
    return values | {
        "rater_mark": values["source_id"],
        "version": 1,
        "tries": 0,
        "recorded": not judgement.trace_id,
    }


def _asked(query: AssessmentQuery) -> list[Any]:
    asked = [AssessmentRow.name == query.name, AssessmentRow.changed_s >= query.since_s]
    if query.tenant is not None:
        asked.append(AssessmentRow.tenant == query.tenant)
    if query.release is not None:
        asked.append(AssessmentRow.release == query.release)
    if query.max_score is not None:
        asked.append(AssessmentRow.score <= query.max_score)
    return asked


def _found(session: Session, query: AssessmentQuery) -> AssessmentRow:
    row = session.get(AssessmentRow, query.after)
    if row is None or query.tenant not in (None, row.tenant):
        raise NotFound(f"There is no assessment '{query.after[:64]}' to go on from.")
    return row
