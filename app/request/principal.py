"""Who sends a request, as found out before its body is read."""

from dataclasses import dataclass, field

from deployments.access.records import Budgets, Limits, Scope
from deployments.contracts.tenants import DEFAULT_TENANT, Access

ANONYMOUS_SCOPES: frozenset[Scope] = frozenset({"query", "ingest", "usage"})
"""What anybody may do where no keys are asked for."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever asks, and what they may do.

    Attributes:
        tenant: Whose documents they reach.
        key_id: Names their key, or the subject of their token, without telling it; empty without
            one.
        scopes: What they may do.
        groups: Groups whose documents they read; None for all of the tenant's.
        releases: Releases and models that they may ask; None for all.
        limits: Of the key.
        tenant_limits: Of the tenant.
        budgets: Of the key.
        tenant_budgets: Of the tenant.
        expires_s: When their key ceases to be valid, in seconds since the epoch; None for never.
    """

    tenant: str = DEFAULT_TENANT
    key_id: str = ""
    scopes: frozenset[Scope] = ANONYMOUS_SCOPES
    groups: frozenset[str] | None = None
    releases: frozenset[str] | None = None
    limits: Limits = field(default_factory=Limits)
    tenant_limits: Limits = field(default_factory=Limits)
    budgets: Budgets = field(default_factory=Budgets)
    tenant_budgets: Budgets = field(default_factory=Budgets)
    expires_s: float | None = None

    @property
    def access(self) -> Access:
        """What documents their requests reach."""
        return Access(self.tenant, self.groups)

    def may_ask(self, name: str) -> bool:
        """Returns whether a release or a model may be asked."""
        return self.releases is None or name in self.releases

    @property
    def is_operator(self) -> bool:
        """Whether everything of all tenants is open to them."""
        return "operator" in self.scopes


ANONYMOUS = Principal()
"""Whoever asks where no keys are asked for."""
