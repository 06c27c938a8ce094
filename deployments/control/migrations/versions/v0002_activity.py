"""Creates the tables of usage, of what releases did in each minute, and of sampled queries."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SUMS = (
    "requests",
    "failed",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "embedding_tokens",
    "rerank_tokens",
    "cost_picousd",
)


def upgrade() -> None:
    """Creates everything."""
    op.create_table(
        "usage",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("prices", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _SUMS),
        sa.PrimaryKeyConstraint(
            "day", "key_id", "release", "model", "prices", name=op.f("pk_usage")
        ),
    )
    op.create_table(
        "release_vectors",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("vector", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_release_vectors")),
    )
    op.create_table(
        "release_minutes",
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("changed_s", sa.Double(), nullable=False),
        sa.Column("recorded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "release", "fingerprint", "minute", name=op.f("pk_release_minutes")
        ),
    )
    op.create_index(
        "ix_release_minutes_unrecorded",
        "release_minutes",
        ["minute"],
        sqlite_where=sa.text("NOT recorded"),
        postgresql_where=sa.text("NOT recorded"),
    )
    op.create_index("ix_release_minutes_minute", "release_minutes", ["minute"])
    op.create_table(
        "query_samples",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("top_score", sa.Double(), nullable=True),
        sa.Column("grounded", sa.Boolean(), nullable=False),
        sa.Column("answer_words", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_query_samples")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_query_samples_release_at_s", "query_samples", ["release", "at_s"])
    op.create_index("ix_query_samples_at_s", "query_samples", ["at_s"])
    op.create_table(
        "reporters",
        sa.Column("replica", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("seen_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("replica", name=op.f("pk_reporters")),
    )
    op.create_index("ix_reporters_seen_s", "reporters", ["seen_s"])
    op.create_table(
        "claims",
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("work", name=op.f("pk_claims")),
    )


def downgrade() -> None:
    """Removes everything."""
    for table in ("claims", "reporters", "query_samples", "release_minutes"):
        op.drop_table(table)
    for table in ("release_vectors", "usage"):
        op.drop_table(table)
