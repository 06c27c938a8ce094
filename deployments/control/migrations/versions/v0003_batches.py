"""Creates the tables of batches, their files, their lines, who works on which, and the results."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Creates everything."""
    op.create_table(
        "batch_files",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=True),
        sa.Column("failed", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_batch_files")),
        sa.UniqueConstraint("id", name=op.f("uq_batch_files_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_batch_files_created_s", "batch_files", ["created_s"])
    op.create_table(
        "batch_pieces",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", "place", name=op.f("pk_batch_pieces")),
    )
    op.create_table(
        "batches",
        sa.Column("number", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("id", "status", "endpoint", "input_file_id", "completion_window")
        ),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("expires_s", sa.Double(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("owner", "submitter", "about", "errors", "reached_s")
        ),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("total", "next_place", "completed", "failed")
        ),
        sa.Column("turn_s", sa.Double(), nullable=False),
        sa.Column("output_file_id", sa.Text(), nullable=True),
        sa.Column("error_file_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_batches")),
        sa.UniqueConstraint("id", name=op.f("uq_batches_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_batches_status_turn_s", "batches", ["status", "turn_s"])
    op.create_table(
        "batch_lines",
        *_line(),
        sa.Column("custom_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "place", name=op.f("pk_batch_lines")),
    )
    op.create_table(
        "batch_leases",
        *_line(),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "place", name=op.f("pk_batch_leases")),
    )
    op.create_index("ix_batch_leases_holder", "batch_leases", ["holder"])
    op.create_table(
        "batch_results",
        *_line(),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "place", name=op.f("pk_batch_results")),
    )


def downgrade() -> None:
    """Removes everything."""
    for table in ("batch_results", "batch_leases", "batch_lines"):
        op.drop_table(table)
    for table in ("batches", "batch_pieces", "batch_files"):
        op.drop_table(table)


def _line() -> tuple[sa.Column[str], sa.Column[int]]:
    """Returns the columns that name a line."""
    return (
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
    )
