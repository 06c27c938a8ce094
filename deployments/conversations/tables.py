"""What is kept of conversations: their tables. A change needs a migration."""

from typing import Any

from sqlalchemy import BigInteger, Double, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from deployments.control.tables import Base


class ConversationRow(Base):
    """A conversation; see `KeptConversation`.

    `holder` writes its next turn, and is believed to live until `lease_s`; it is empty where nobody
    does.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        Index("ix_conversations_tenant_key_id_user", "tenant", "key_id", "user"),
        Index("ix_conversations_last_turn_s", "last_turn_s"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    key_id: Mapped[str]
    user: Mapped[str]
    title: Mapped[str]
    details: Mapped[dict[str, Any]]
    created_s: Mapped[float] = mapped_column(Double)
    last_turn_s: Mapped[float] = mapped_column(Double)
    turns: Mapped[int] = mapped_column(BigInteger)
    holder: Mapped[str]
    lease_s: Mapped[float] = mapped_column(Double)


class TurnRow(Base):
    """A turn; see `KeptTurn`."""

    __tablename__ = "conversation_turns"

    conversation: Mapped[str] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    )
    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    status: Mapped[str]
    asked: Mapped[dict[str, Any]]
    answer: Mapped[dict[str, Any]]
    citations: Mapped[dict[str, Any]]
    release: Mapped[str]
    model: Mapped[str]
    finish_reason: Mapped[str]
    usage: Mapped[dict[str, Any]]
    request_id: Mapped[str]
    created_s: Mapped[float] = mapped_column(Double)
    ended_s: Mapped[float] = mapped_column(Double)


class DeletionRow(Base):
    """What is to be erased, until every place has said that nothing of it is left; see `Deletion`.

    `places` has what each of them said last; `tried_s` tells when they were asked, and
    `quiet_tries` how often in a row they all said that nothing was left.
    """

    __tablename__ = "deletions"
    __table_args__ = (Index("ix_deletions_done_s", "done_s"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    conversation: Mapped[str]
    user: Mapped[str]
    asked_s: Mapped[float] = mapped_column(Double)
    until_s: Mapped[float] = mapped_column(Double)
    tried_s: Mapped[float] = mapped_column(Double)
    done_s: Mapped[float | None] = mapped_column(Double)
    quiet_tries: Mapped[int]
    places: Mapped[dict[str, Any]]
