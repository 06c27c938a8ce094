"""Creates the tables of answers that can be assessed, of what was said of them, and of ratings as
evidence of rollouts."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Creates everything."""
    op.create_table(
        "answers",
        *_texts("tenant", "request_id", "release", "fingerprint", "trace_id"),
        *_texts("rollout", "arm", "conversation", "user_mark"),
        *_times("at_s"),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "request_id", name=op.f("pk_answers")),
    )
    for name in ("at_s", "conversation", "user_mark"):
        op.create_index(f"ix_answers_{name}", "answers", [name])
    op.create_table(
        "assessments",
        *_texts("id", "tenant", "request_id", "name", "rater_mark", "source", "source_id"),
        *_texts("thumb", "comment", "correction", "release", "fingerprint", "trace_id"),
        *_texts("conversation", "user_mark"),
        *_times("score", "answered_s", "created_s", "changed_s", "due_s"),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("recorded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessments")),
        sa.UniqueConstraint(
            *("tenant", "request_id", "name", "rater_mark"),
            name=op.f("uq_assessments_tenant_request_id_name_rater_mark"),
        ),
    )
    op.create_index("ix_assessments_name_score", "assessments", ["name", "score"])
    for name in ("changed_s", "rater_mark", "user_mark", "conversation"):
        op.create_index(f"ix_assessments_{name}", "assessments", [name])
    waits = sa.text("NOT recorded")
    op.create_index(
        "ix_assessments_unrecorded",
        "assessments",
        ["due_s"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
    op.create_table(
        "rollout_ratings",
        *_texts("tenant", "request_id", "rollout_id", "arm"),
        *_times("at_s", "score"),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "request_id", name=op.f("pk_rollout_ratings")),
    )
    op.create_index("ix_rollout_ratings_rollout_id_at_s", "rollout_ratings", ["rollout_id", "at_s"])
    op.create_index("ix_rollout_ratings_at_s", "rollout_ratings", ["at_s"])


def downgrade() -> None:
    """Removes everything."""
    for table in ("rollout_ratings", "assessments", "answers"):
        op.drop_table(table)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _times(*names: str) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Double(), nullable=False) for name in names]
