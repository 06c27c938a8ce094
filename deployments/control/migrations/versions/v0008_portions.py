"""Lets replicas hold portions of budgets: what of them is free, what was spent, and the number of
what was told last."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_ADDED = {
    "budgets": ("free_picousd", "free_tokens", "called"),
    "budget_reservations": (
        "free_picousd",
        "free_tokens",
        "spent_picousd",
        "spent_tokens",
        "number",
    ),
}


def upgrade() -> None:
    """Adds the columns. Replicas of the version before know nothing of them, and go on."""
    for table, names in _ADDED.items():
        for name in names:
            column = sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
            op.add_column(table, column)


def downgrade() -> None:
    """Removes them."""
    for table, names in _ADDED.items():
        for name in names:
            op.drop_column(table, name)
