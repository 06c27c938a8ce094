"""What is kept of assessments: their table. A change needs a migration."""

from sqlalchemy import BigInteger, Double, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from deployments.control.tables import Base


class AssessmentRow(Base):
    """An assessment; see `deployments.assessments.contract.KeptAssessment`.

    `rater_mark` tells people apart, `user_mark` says for whom the answer was. Where `recorded` is
    false, MLflow does not have it yet; it is tried again at `due_s`, after `tries` tries.
    """

    __tablename__ = "assessments"
    __table_args__ = (
        UniqueConstraint("tenant", "request_id", "name", "rater_mark"),
        Index("ix_assessments_name_score", "name", "score"),
        Index("ix_assessments_changed_s", "changed_s"),
        Index("ix_assessments_rater_mark", "rater_mark"),
        Index("ix_assessments_user_mark", "user_mark"),
        Index("ix_assessments_conversation", "conversation"),
        Index(
            "ix_assessments_unrecorded",
            "due_s",
            sqlite_where=text("NOT recorded"),
            postgresql_where=text("NOT recorded"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    request_id: Mapped[str]
    name: Mapped[str]
    rater_mark: Mapped[str]
    source: Mapped[str]
    source_id: Mapped[str]
    score: Mapped[float] = mapped_column(Double)
    thumb: Mapped[str]
    comment: Mapped[str]
    correction: Mapped[str]
    release: Mapped[str]
    fingerprint: Mapped[str]
    trace_id: Mapped[str]
    conversation: Mapped[str]
    user_mark: Mapped[str]
    answered_s: Mapped[float] = mapped_column(Double)
    created_s: Mapped[float] = mapped_column(Double)
    changed_s: Mapped[float] = mapped_column(Double)
    version: Mapped[int] = mapped_column(BigInteger)
    recorded: Mapped[bool]
    tries: Mapped[int] = mapped_column(BigInteger)
    due_s: Mapped[float] = mapped_column(Double)
