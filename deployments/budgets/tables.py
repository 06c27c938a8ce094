"""Budgets, what replicas hold of them, and who lives: their tables. A change needs a
migration."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Double, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from deployments.control.tables import Base, Json


def _amount() -> Mapped[int]:
    """Returns a column of whole numbers. Replicas of older versions know nothing of those that
    came later, so the database fills them in."""
    return mapped_column(BigInteger, default=0, server_default="0")


class BudgetRow(Base):
    """What a subject has spent in a period, and what portions hold of it: `free` is what of that no
    request uses, and `called` counts how often replicas were asked to give that back. Picodollars
    of a month end at nine million dollars."""

    __tablename__ = "budgets"
    __table_args__ = (
        CheckConstraint("reserved_picousd >= 0 AND reserved_tokens >= 0", name="reserved"),
    )

    subject: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    spent_picousd: Mapped[int] = mapped_column(BigInteger, default=0)
    spent_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved_picousd: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    told_percent: Mapped[int] = mapped_column(default=0)
    """The highest share of the budget that somebody was told of."""
    free_picousd: Mapped[int] = _amount()
    free_tokens: Mapped[int] = _amount()
    called: Mapped[int] = _amount()


class ReservationRow(Base):
    """A portion of a budget that a replica holds, `free` of it for requests to come, and what was
    `spent` of it so far. `number` is that of the last telling that counted. It stays for a day
    after its end. `places` are pairs of subject and period: one, and several where a version wrote
    it that reserved for each request."""

    __tablename__ = "budget_reservations"
    __table_args__ = (
        Index(
            "ix_budget_reservations_holder",
            "holder",
            sqlite_where=text("state = 'held'"),
            postgresql_where=text("state = 'held'"),
        ),
        Index("ix_budget_reservations_changed_s", "changed_s"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    state: Mapped[str]
    picousd: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int] = mapped_column(BigInteger)
    places: Mapped[list[Any]] = mapped_column(Json)
    price_version: Mapped[str]
    changed_s: Mapped[float] = mapped_column(Double)
    free_picousd: Mapped[int] = _amount()
    free_tokens: Mapped[int] = _amount()
    spent_picousd: Mapped[int] = _amount()
    spent_tokens: Mapped[int] = _amount()
    number: Mapped[int] = _amount()


class HolderRow(Base):
    """A replica that holds reservations, and how often it has said that it lives. Who is silent is
    told by that number alone: clocks of replicas differ."""

    __tablename__ = "budget_holders"

    holder: Mapped[str] = mapped_column(primary_key=True)
    beats: Mapped[int] = mapped_column(BigInteger)
    seen_s: Mapped[float] = mapped_column(Double)
