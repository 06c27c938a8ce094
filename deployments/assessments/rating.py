"""How a rating becomes rows: the assessment itself, the figures of its release, the evidence of its
rollout. An answer counts once in both, however many people rate it: by the mean of what they say.
"""

import secrets
from typing import Any

from sqlalchemy import case, delete, func, select
from sqlalchemy.orm import Session

from deployments.activity import MinuteCounts, ReleaseMinute
from deployments.assessments.contract import Feedback
from deployments.assessments.tables import AssessmentRow
from deployments.contracts.errors import Conflict
from deployments.control.stored import insert_into
from deployments.control.tables import RatingRow
from deployments.ledger.records import plain
from deployments.ledger.tables import AnswerRow, MinuteRow
from deployments.ledger.taking import add_minute, row_of

_NAME = "feedback"
_MOST_RATERS = 50
"""People who rate one answer: who invents names shall not outweigh all others."""
_ON_THE_WAY_S = 3600.0
"""Figures of a minute may come later than the answer's id. One that is older and has none is
forgotten, and its figures in MLflow are whole."""
_THOUSAND = 1000


class Rating:
    """A rating on its way into the database.

    Args:
        session: Of a transaction that writes.
        answer: What is rated; locked.
        feedback: What is said.
    """

    def __init__(self, session: Session, answer: AnswerRow, feedback: Feedback) -> None:
        self._session = session
        self._answer = answer
        self._feedback = feedback

    def keep(self) -> AssessmentRow:
        """Writes it, and returns its row; raises Conflict."""
        mark = self._feedback.user_mark or self._answer.user_mark
        said = select(AssessmentRow).where(*_of_answer(self._answer.tenant, self._request_id))
        row = self._session.scalars(
            said.where(AssessmentRow.rater_mark == mark).with_for_update()
        ).one_or_none()
        # A client may have given another answer the id of one that was rated before.
        times_s = {self._answer.at_s} if row is None else {self._answer.at_s, row.answered_s}
        places = {at_s: self._place(row, at_s) for at_s in times_s}
        before = {at_s: self._mean(at_s) for at_s in times_s}
        if row is None:
            row = self._new(mark)
        self._fill(row)
        self._session.flush()
        for at_s, place in places.items():
            self._note_minute(place, before[at_s], self._mean(at_s))
        self._note_evidence()
        return row

    @property
    def _request_id(self) -> str:
        return self._answer.request_id

    def _new(self, mark: str) -> AssessmentRow:
        raters = select(func.count()).where(*_of_answer(self._answer.tenant, self._request_id))
        if (self._session.scalar(raters) or 0) >= _MOST_RATERS:
            raise Conflict(f"{_MOST_RATERS} users have rated this answer; that is enough.")
        row = AssessmentRow(
            id=f"fb_{secrets.token_hex(16)}",
            tenant=self._answer.tenant,
            request_id=self._request_id,
            name=_NAME,
            rater_mark=mark,
            source="human",
            created_s=self._feedback.at_s,
            version=0,
        )
        self._session.add(row)
        return row

    def _fill(self, row: AssessmentRow) -> None:
        feedback, answer = self._feedback, self._answer
        row.source_id = plain(feedback.user)
        row.score, row.thumb = feedback.score, feedback.thumb
        row.comment, row.correction = plain(feedback.comment), plain(feedback.correction)
        row.release, row.fingerprint = answer.release, answer.fingerprint
        row.trace_id, row.answered_s = answer.trace_id, answer.at_s
        row.conversation, row.user_mark = answer.conversation, answer.user_mark
        row.changed_s = row.due_s = feedback.at_s
        row.version += 1
        row.tries = 0
        row.recorded = not answer.trace_id

    def _mean(self, at_s: float) -> float | None:
        """Returns the mean of what is said of the answer of that time; None for nothing."""
        said = _of_answer(self._answer.tenant, self._request_id)
        wanted = select(func.avg(AssessmentRow.score)).where(
            *said, AssessmentRow.answered_s == at_s
        )
        return self._session.scalar(wanted)

    def _place(self, row: AssessmentRow | None, at_s: float) -> ReleaseMinute:
        named = self._answer if row is None or at_s == self._answer.at_s else row
        return ReleaseMinute(
            named.release, named.fingerprint, int(at_s // 60), MinuteCounts(), timings={}
        )

    def _note_minute(self, place: ReleaseMinute, before: float | None, after: float | None) -> None:
        """Adds the difference to the minute of the answer, among whose figures it is shown."""
        more = MinuteCounts(
            rated=int(after is not None) - int(before is not None),
            rating_thousandths=_thousandths(after) - _thousandths(before),
        )
        if not place.release or more == MinuteCounts():
            return
        now_s = self._feedback.at_s
        if now_s - place.minute * 60 > _ON_THE_WAY_S:
            known = select(MinuteRow.minute).where(row_of(place))
            if self._session.scalar(known) is None:
                return
        part = ReleaseMinute(place.release, place.fingerprint, place.minute, more, {})
        add_minute(self._session, part, now_s=now_s)

    def _note_evidence(self) -> None:
        answer, score = self._answer, self._mean(self._answer.at_s)
        if not answer.rollout or not answer.arm or score is None:
            return
        new = insert_into(self._session, RatingRow).values(
            tenant=answer.tenant,
            request_id=answer.request_id,
            rollout_id=answer.rollout,
            arm=answer.arm,
            bucket=answer.bucket,
            at_s=self._feedback.at_s,
            score=score,
        )
        # The first rating decides in which stage it counts: a change of mind brings no new one.
        is_same = RatingRow.rollout_id == new.excluded.rollout_id
        changed = {name: new.excluded[name] for name in ("rollout_id", "arm", "bucket", "score")}
        changed["at_s"] = case((is_same, RatingRow.at_s), else_=new.excluded.at_s)
        self._session.execute(
            new.on_conflict_do_update(index_elements=["tenant", "request_id"], set_=changed)
        )


def settle_rating(session: Session, tenant: str, request_id: str) -> None:
    """Has the evidence of a rollout say what is still said of an answer, or nothing."""
    wanted = select(func.avg(AssessmentRow.score)).where(*_of_answer(tenant, request_id))
    score = session.scalar(wanted)
    row = session.get(RatingRow, (tenant, request_id))
    if row is None:
        return
    if score is None:
        session.execute(
            delete(RatingRow).where(RatingRow.tenant == tenant, RatingRow.request_id == request_id)
        )
    else:
        row.score = score


def _of_answer(tenant: str, request_id: str) -> tuple[Any, ...]:
    return (
        AssessmentRow.tenant == tenant,
        AssessmentRow.request_id == request_id,
        AssessmentRow.name == _NAME,
    )


def _thousandths(score: float | None) -> int:
    return 0 if score is None else round(score * _THOUSAND)
