"""Creates the tables of budgets: what was spent, what is reserved, and by whom."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Creates everything."""
    amounts = ("spent_picousd", "spent_tokens", "reserved_picousd", "reserved_tokens")
    op.create_table(
        "budgets",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in amounts),
        sa.Column("told_percent", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "reserved_picousd >= 0 AND reserved_tokens >= 0", name=op.f("ck_budgets_reserved")
        ),
        sa.PrimaryKeyConstraint("subject", "period", name=op.f("pk_budgets")),
    )
    op.create_table(
        "budget_reservations",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "holder", "state")),
        sa.Column("picousd", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("places", sa.Text(), nullable=False),
        sa.Column("price_version", sa.Text(), nullable=False),
        sa.Column("changed_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_reservations")),
    )
    held = sa.text("state = 'held'")
    op.create_index(
        "ix_budget_reservations_holder",
        "budget_reservations",
        ["holder"],
        sqlite_where=held,
        postgresql_where=held,
    )
    op.create_index("ix_budget_reservations_changed_s", "budget_reservations", ["changed_s"])
    op.create_table(
        "budget_holders",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.Column("seen_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_budget_holders")),
    )


def downgrade() -> None:
    """Removes everything."""
    for table in ("budget_holders", "budget_reservations", "budgets"):
        op.drop_table(table)
