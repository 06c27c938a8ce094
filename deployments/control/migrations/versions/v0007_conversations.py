"""Creates the tables of conversations and of what is still to be erased; answers that are kept for
repetitions and sampled queries say whose they are."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_LABELLED = ("idempotent_requests", "query_samples")
"""Tables whose rows say for which user and conversation they were written."""
_LABELS = ("conversation", "user_mark")


def upgrade() -> None:
    """Creates everything."""
    op.create_table(
        "conversations",
        *_texts("id", "tenant", "key_id", "user", "title", "details", "holder"),
        *_times("created_s", "last_turn_s", "lease_s"),
        sa.Column("turns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
    )
    op.create_index(
        "ix_conversations_tenant_key_id_user", "conversations", ["tenant", "key_id", "user"]
    )
    op.create_index("ix_conversations_last_turn_s", "conversations", ["last_turn_s"])
    op.create_table(
        "conversation_turns",
        *_texts("conversation", "status", "asked", "answer", "citations", "release", "model"),
        *_texts("finish_reason", "usage", "request_id"),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        *_times("created_s", "ended_s"),
        sa.PrimaryKeyConstraint("conversation", "n", name=op.f("pk_conversation_turns")),
        sa.ForeignKeyConstraint(
            ["conversation"],
            ["conversations.id"],
            name=op.f("fk_conversation_turns_conversation"),
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "deletions",
        *_texts("id", "tenant", "conversation", "user", "places"),
        *_times("asked_s", "until_s", "tried_s"),
        sa.Column("done_s", sa.Double(), nullable=True),
        sa.Column("quiet_tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletions")),
    )
    op.create_index("ix_deletions_done_s", "deletions", ["done_s"])
    for table in _LABELLED:
        for name in _LABELS:
            column = sa.Column(name, sa.Text(), nullable=False, server_default="")
            op.add_column(table, column)
            op.create_index(f"ix_{table}_{name}", table, [name])


def downgrade() -> None:
    """Removes everything."""
    for table in _LABELLED:
        for name in _LABELS:
            op.drop_index(f"ix_{table}_{name}", table)
            op.drop_column(table, name)
    for table in ("deletions", "conversation_turns", "conversations"):
        op.drop_table(table)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _times(*names: str) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Double(), nullable=False) for name in names]
