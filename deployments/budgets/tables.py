"""Budgets, what is reserved of them, and who holds that: their tables. A change needs a
migration."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Double, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from deployments.control.tables import Base, Json


class BudgetRow(Base):
    """What a subject has spent in a period, and what is reserved of it. Picodollars of a month end
    at nine million dollars."""

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


class ReservationRow(Base):
    """An amount that a request may spend. It stays for a day after its end, so that a settlement
    which is repeated counts once. `places` are pairs of subject and period."""

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


class HolderRow(Base):
    """A replica that holds reservations, and how often it has said that it lives. Who is silent is
    told by that number alone: clocks of replicas differ."""

    __tablename__ = "budget_holders"

    holder: Mapped[str] = mapped_column(primary_key=True)
    beats: Mapped[int] = mapped_column(BigInteger)
    seen_s: Mapped[float] = mapped_column(Double)
