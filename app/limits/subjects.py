"""Whose limits hold for a request: its key's, and its tenant's."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.request.principal import ANONYMOUS, Principal
from deployments.access.records import Budgets, Limits

_NO_LIMITS = Limits()
_NO_BUDGETS = Budgets()


@dataclass(frozen=True, slots=True)
class Subject:
    """A key, or a tenant.

    Attributes:
        id: Names it among all, such as `key:key_4f`.
        words: What a client is told that it is.
        tenant: Its tenant: what is decided together must stand together in a cluster.
        limits: What it may ask.
        budgets: What it may spend.
    """

    id: str
    words: str
    tenant: str
    limits: Limits = _NO_LIMITS
    budgets: Budgets = _NO_BUDGETS

    def bucket(self, what: str) -> str:
        """Returns the name under which something of it is counted. Redis keeps names with the same
        part in braces on one node, which a script for several needs."""
        return f"rs:{{{self.tenant}}}:{self.id}:{what}"

    @property
    def kind(self) -> str:
        """What it is: `key` or `tenant`."""
        return self.id.partition(":")[0]

    @property
    def has_budgets(self) -> bool:
        """Whether any budget bounds it."""
        budgets = self.budgets
        bounds = (budgets.day_picousd, budgets.month_picousd, budgets.day_tokens)
        return any(bound is not None for bound in (*bounds, budgets.month_tokens))

    @property
    def has_money_budget(self) -> bool:
        """Whether it has a budget in money."""
        return self.budgets.day_picousd is not None or self.budgets.month_picousd is not None


def subjects_of(principal: Principal) -> Sequence[Subject]:
    """Returns who is bounded of those that a request is from: nobody costs nothing. Operators are
    not, who must get in when all others are too many."""
    if principal is ANONYMOUS or principal.is_operator:
        return ()
    tenant = principal.tenant
    subjects = (
        Subject(f"key:{principal.key_id}", "This key", tenant, principal.limits, principal.budgets),
        Subject(
            f"tenant:{tenant}",
            "Your organisation",
            tenant,
            principal.tenant_limits,
            principal.tenant_budgets,
        ),
    )
    return [subject for subject in subjects if subject.limits != _NO_LIMITS or subject.has_budgets]
