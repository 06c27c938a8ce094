"""What is kept of requests that may be sent again: their tables. A change needs a migration."""

from sqlalchemy import BigInteger, Boolean, Double, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from deployments.control.tables import Base


class KeyedRow(Base):
    """A request under a key, and the start of its answer once there is one.

    `holder` works on it, and is believed to live until `lease_s`; `is_done` says that the answer is
    whole, and stays until `expires_s`. `conversation` and `user_mark` say what it belongs to, once
    the answer has ended.
    """

    __tablename__ = "idempotent_requests"
    __table_args__ = (
        Index("ix_idempotent_requests_expires_s", "expires_s"),
        Index("ix_idempotent_requests_tenant", "tenant"),
        Index("ix_idempotent_requests_conversation", "conversation"),
        Index("ix_idempotent_requests_user_mark", "user_mark"),
    )

    digest: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    fingerprint: Mapped[str]
    holder: Mapped[str]
    lease_s: Mapped[float] = mapped_column(Double)
    expires_s: Mapped[float] = mapped_column(Double)
    is_done: Mapped[bool] = mapped_column(Boolean)
    start: Mapped[str]
    conversation: Mapped[str] = mapped_column(server_default="")
    user_mark: Mapped[str] = mapped_column(server_default="")


class PieceRow(Base):
    """A part of the body of an answer."""

    __tablename__ = "idempotent_pieces"

    digest: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)
