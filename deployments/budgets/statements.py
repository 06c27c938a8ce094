"""What is said to the database about budgets and reservations, made once.

Every request with a budget waits for it: to make the statements anew, or to go through a session's
objects, is most of what they would cost.
"""

from typing import cast

from sqlalchemy import Table, bindparam, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from deployments.budgets.standing import Standing
from deployments.budgets.tables import BudgetRow, ReservationRow

_budget = cast(Table, BudgetRow.__table__)
_reservation = cast(Table, ReservationRow.__table__)

READ_RESERVATIONS = (
    select(_reservation)
    .where(_reservation.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(_reservation.c.id)
    .with_for_update()
)
"""Locks those with `ids`."""

READ_HELD = (
    select(_reservation)
    .where(
        _reservation.c.holder.in_(bindparam("holders", expanding=True)),
        _reservation.c.state == "held",
    )
    .order_by(_reservation.c.id)
    .with_for_update()
)
"""Locks those that `holders` have not settled."""

ADD_RESERVATION = insert(_reservation)
"""Takes the columns by name."""

CHANGE_RESERVATION = (
    update(_reservation)
    .where(_reservation.c.id == bindparam("of_id"))
    .values(state=bindparam("new_state"), changed_s=bindparam("new_changed_s"))
)

ADD_BUDGET = {
    "sqlite": sqlite.insert(_budget).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_budget).on_conflict_do_nothing(),
}
"""By dialect; takes the columns by name, and leaves a budget that is there as it is."""

READ_BUDGETS = (
    select(_budget)
    .where(tuple_(_budget.c.subject, _budget.c.period).in_(bindparam("keys", expanding=True)))
    .order_by(_budget.c.subject, _budget.c.period)
    .with_for_update()
)
"""Locks those with `keys`, pairs of subject and period."""

CHANGE_BUDGET = (
    update(_budget)
    .where(_budget.c.subject == bindparam("of_subject"), _budget.c.period == bindparam("of_period"))
    .values({name: bindparam(f"new_{name}") for name in Standing.__slots__})
)
"""Takes the columns of a standing, with `new_` before their names."""
