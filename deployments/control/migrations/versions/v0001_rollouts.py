"""Creates the tables of rollouts, their evidence, their looks, and of the traffic override."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates everything."""
    op.create_table(
        "rollouts",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stable", sa.Text(), nullable=False),
        sa.Column("canary", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("under_way", sa.Boolean(), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("vectors", sa.Text(), nullable=False),
        sa.Column("deployed", sa.Text(), nullable=False),
        sa.CheckConstraint("sequence >= 0", name=op.f("ck_rollouts_sequence")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_rollouts")),
        sa.UniqueConstraint("id", name=op.f("uq_rollouts_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_rollouts_under_way",
        "rollouts",
        ["under_way"],
        unique=True,
        sqlite_where=sa.text("under_way"),
        postgresql_where=sa.text("under_way"),
    )
    op.create_table(
        "evidence",
        sa.Column("rollout_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_evidence_rollout_id")
        ),
        sa.PrimaryKeyConstraint("rollout_id", "stage", name=op.f("pk_evidence")),
    )
    op.create_table(
        "replicas",
        sa.Column("rollout_id", sa.Text(), nullable=False),
        sa.Column("replica", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_replicas_rollout_id")
        ),
        sa.PrimaryKeyConstraint("rollout_id", "replica", name=op.f("pk_replicas")),
    )
    op.create_table(
        "looks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rollout_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("recorded", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollouts.id"], name=op.f("fk_looks_rollout_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_looks")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_looks_rollout_id_id", "looks", ["rollout_id", "id"])
    op.create_index(
        "ix_looks_unrecorded",
        "looks",
        ["id"],
        sqlite_where=sa.text("NOT recorded"),
        postgresql_where=sa.text("NOT recorded"),
    )
    op.create_table(
        "traffic_override",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_traffic_override_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_traffic_override")),
    )


def downgrade() -> None:
    """Removes everything."""
    for table in ("traffic_override", "looks", "replicas", "evidence", "rollouts"):
        op.drop_table(table)
