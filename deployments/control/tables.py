"""What is kept of rollouts: their tables. A change here needs a migration."""

import json
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Dialect,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Json(TypeDecorator[Any]):
    """JSON as text, which may hold what the JSON types of databases refuse: NaN, infinities and the
    character zero."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return json.loads(value)


class Base(DeclarativeBase):
    """Names constraints, so that a migration can name them as well."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {dict[str, Any]: Json, str: Text}


class RolloutRow(Base):
    """A rollout and its state. `under_way` and `sequence` repeat what `state` says, for the
    database to compare."""

    __tablename__ = "rollouts"
    __table_args__ = (
        CheckConstraint("sequence >= 0", name="sequence"),
        Index(
            "uq_rollouts_under_way",
            "under_way",
            unique=True,
            sqlite_where=text("under_way"),
            postgresql_where=text("under_way"),
        ),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    stable: Mapped[str]
    canary: Mapped[str]
    policy: Mapped[dict[str, Any]]
    state: Mapped[dict[str, Any]]
    sequence: Mapped[int]
    under_way: Mapped[bool]
    created_s: Mapped[float] = mapped_column(Double)
    created_by: Mapped[str]
    vectors: Mapped[dict[str, Any]]
    deployed: Mapped[dict[str, Any]]


class EvidenceRow(Base):
    """What is known of one stage, as compressed JSON."""

    __tablename__ = "evidence"

    rollout_id: Mapped[str] = mapped_column(ForeignKey(RolloutRow.id), primary_key=True)
    stage: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class ReplicaRow(Base):
    """The last report of an ingress replica that is part of the evidence."""

    __tablename__ = "replicas"

    rollout_id: Mapped[str] = mapped_column(ForeignKey(RolloutRow.id), primary_key=True)
    replica: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int]


class RatingRow(Base):
    """How much an answer of a rollout was liked; see `deployments.control.ratings.ArmRating`. The
    time is that of its first rating."""

    __tablename__ = "rollout_ratings"
    __table_args__ = (
        Index("ix_rollout_ratings_rollout_id_at_s", "rollout_id", "at_s"),
        Index("ix_rollout_ratings_at_s", "at_s"),
    )

    tenant: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(primary_key=True)
    rollout_id: Mapped[str]
    arm: Mapped[str]
    bucket: Mapped[int]
    at_s: Mapped[float] = mapped_column(Double)
    score: Mapped[float] = mapped_column(Double)


class LookRow(Base):
    """A decision and the state after it. Where `recorded` is false, MLflow does not have it yet."""

    __tablename__ = "looks"
    __table_args__ = (
        Index("ix_looks_rollout_id_id", "rollout_id", "id"),
        Index(
            "ix_looks_unrecorded",
            "id",
            sqlite_where=text("NOT recorded"),
            postgresql_where=text("NOT recorded"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rollout_id: Mapped[str] = mapped_column(ForeignKey(RolloutRow.id))
    action: Mapped[str]
    decision: Mapped[dict[str, Any]]
    state: Mapped[dict[str, Any]]
    recorded: Mapped[bool] = mapped_column(default=False)


class OverrideRow(Base):
    """The traffic override, if there is one; there is at most one row."""

    __tablename__ = "traffic_override"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    content: Mapped[dict[str, Any]]


class LeaseRow(Base):
    """Which process may decide; see `deployments.control.lease`."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    fence: Mapped[int] = mapped_column(BigInteger)
    beats: Mapped[int] = mapped_column(BigInteger)
