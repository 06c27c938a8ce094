"""What is kept of batches: their tables. A change here needs a migration."""

from typing import Any

from sqlalchemy import BigInteger, Double, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from deployments.control.tables import Base


class FileRow(Base):
    """A file. One of purpose `batch_output` has no bytes: it is the results of a batch, those with
    a problem or the others, as `failed` says."""

    __tablename__ = "batch_files"
    __table_args__ = (
        Index("ix_batch_files_created_s", "created_s"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    purpose: Mapped[str]
    filename: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    created_s: Mapped[float] = mapped_column(Double)
    owner: Mapped[str]
    batch_id: Mapped[str | None]
    failed: Mapped[bool | None]


class PieceRow(Base):
    """A part of a file's bytes."""

    __tablename__ = "batch_pieces"

    file_id: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class BatchRow(Base):
    """A batch. Lines from `next_place` on were never given out; of those before, each has a lease
    or a result. `turn_s` says when lines were given out last: batches take turns."""

    __tablename__ = "batches"
    __table_args__ = (
        Index("ix_batches_status_turn_s", "status", "turn_s"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]
    endpoint: Mapped[str]
    input_file_id: Mapped[str]
    completion_window: Mapped[str]
    created_s: Mapped[float] = mapped_column(Double)
    expires_s: Mapped[float] = mapped_column(Double)
    owner: Mapped[str]
    submitter: Mapped[dict[str, Any]]
    about: Mapped[dict[str, Any]]
    errors: Mapped[dict[str, Any]]
    reached_s: Mapped[dict[str, Any]]
    total: Mapped[int]
    next_place: Mapped[int]
    completed: Mapped[int]
    failed: Mapped[int]
    turn_s: Mapped[float] = mapped_column(Double)
    output_file_id: Mapped[str | None]
    error_file_id: Mapped[str | None]


class LineRow(Base):
    """A line of a batch, as it was sent."""

    __tablename__ = "batch_lines"

    batch_id: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    custom_id: Mapped[str]
    url: Mapped[str]
    body: Mapped[str]


class LeaseRow(Base):
    """A line that somebody works on until `until_s`, or, without a holder, that nobody begins
    before then."""

    __tablename__ = "batch_leases"
    __table_args__ = (Index("ix_batch_leases_holder", "holder"),)

    batch_id: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    attempt: Mapped[int]
    tries: Mapped[int]
    holder: Mapped[str]
    until_s: Mapped[float] = mapped_column(Double)


class ResultRow(Base):
    """What came of a line: there is at most one for each."""

    __tablename__ = "batch_results"

    batch_id: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    failed: Mapped[bool]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[str]
