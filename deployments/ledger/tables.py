"""What is kept of the gateway's activity: its tables. A change here needs a migration."""

from typing import Any

from sqlalchemy import BigInteger, Double, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from deployments.control.tables import Base


class UsageRow(Base):
    """Sums of usage; see `deployments.activity.Usage`."""

    __tablename__ = "usage"

    day: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(primary_key=True)
    release: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    prices: Mapped[str] = mapped_column(primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    failed: Mapped[int] = mapped_column(BigInteger)
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    cached_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)
    embedding_tokens: Mapped[int] = mapped_column(BigInteger)
    rerank_tokens: Mapped[int] = mapped_column(BigInteger)
    cost_picousd: Mapped[int] = mapped_column(BigInteger)


class VectorRow(Base):
    """What a release was made of."""

    __tablename__ = "release_vectors"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    vector: Mapped[dict[str, Any]]


class MinuteRow(Base):
    """What one release did in one minute, as compressed JSON.

    `changes` counts the reports in it and `changed_s` says when the last one came; where `recorded`
    is false, MLflow does not have it yet, or not all of it.
    """

    __tablename__ = "release_minutes"
    __table_args__ = (
        Index(
            "ix_release_minutes_unrecorded",
            "minute",
            sqlite_where=text("NOT recorded"),
            postgresql_where=text("NOT recorded"),
        ),
        Index("ix_release_minutes_minute", "minute"),
    )

    release: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    minute: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    changes: Mapped[int] = mapped_column(BigInteger)
    changed_s: Mapped[float] = mapped_column(Double)
    recorded: Mapped[bool]


class SampleRow(Base):
    """A query that was drawn by chance; see `deployments.activity.QuerySample`."""

    __tablename__ = "query_samples"
    __table_args__ = (
        Index("ix_query_samples_release_at_s", "release", "at_s"),
        Index("ix_query_samples_at_s", "at_s"),
        Index("ix_query_samples_conversation", "conversation"),
        Index("ix_query_samples_user_mark", "user_mark"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at_s: Mapped[float] = mapped_column(Double)
    release: Mapped[str]
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    dimension: Mapped[int]
    top_score: Mapped[float | None] = mapped_column(Double)
    grounded: Mapped[bool]
    answer_words: Mapped[int]
    tenant: Mapped[str] = mapped_column(server_default="default")
    conversation: Mapped[str] = mapped_column(server_default="")
    user_mark: Mapped[str] = mapped_column(server_default="")


class AnswerRow(Base):
    """An answer that was given lately, and can be assessed; see
    `deployments.activity.GivenAnswer`."""

    __tablename__ = "answers"
    __table_args__ = (
        Index("ix_answers_at_s", "at_s"),
        Index("ix_answers_conversation", "conversation"),
        Index("ix_answers_user_mark", "user_mark"),
    )

    tenant: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(primary_key=True)
    at_s: Mapped[float] = mapped_column(Double)
    release: Mapped[str]
    fingerprint: Mapped[str]
    trace_id: Mapped[str]
    rollout: Mapped[str]
    arm: Mapped[str]
    bucket: Mapped[int]
    conversation: Mapped[str]
    user_mark: Mapped[str]


class ClaimRow(Base):
    """Work that one process at a time may do, who does it, and until when nobody else begins."""

    __tablename__ = "claims"

    work: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until_s: Mapped[float] = mapped_column(Double)


class ReporterRow(Base):
    """The last report of an ingress replica that was taken."""

    __tablename__ = "reporters"
    __table_args__ = (Index("ix_reporters_seen_s", "seen_s"),)

    replica: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    seen_s: Mapped[float] = mapped_column(Double)
