"""Tenants and keys as values: what is known of them, without any secret."""

from dataclasses import dataclass
from typing import Literal

from deployments.contracts.tenants import DEFAULT_TENANT

Scope = Literal["query", "ingest", "usage", "admin", "operator"]
"""What a key opens: asking and searching; adding and deleting documents; its tenant's usage; keys
and settings of its tenant; everything of all tenants."""

TENANT_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
"""What ids of tenants look like. They are part of the ids of documents, which a slash parts."""

BudgetMode = Literal["enforce", "warn"]
"""Whether a request that would go over a budget is refused, or only told of."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be asked in a minute, and at once; None bounds nothing.

    Attributes:
        requests_per_min: Requests.
        tokens_per_min: Tokens of prompts and completions; for embeddings those that were embedded.
        concurrent_requests: Requests under way at the same moment.
    """

    requests_per_min: int | None = None
    tokens_per_min: int | None = None
    concurrent_requests: int | None = None


@dataclass(frozen=True, slots=True)
class Budgets:
    """What may be spent in a day and in a calendar month; None bounds nothing. Money is in
    millionths of a millionth of a dollar, so that sums are exact."""

    day_picousd: int | None = None
    month_picousd: int | None = None
    day_tokens: int | None = None
    month_tokens: int | None = None
    mode: BudgetMode = "enforce"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long texts of a tenant are kept, where that is shorter than for all; None says nothing.

    Attributes:
        conversation_days: A conversation goes after so many days without a turn.
    """

    conversation_days: float | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """A customer or a team whose documents nobody else sees.

    Attributes:
        id: How it is called everywhere.
        name: How people call it.
        limits: Of all its keys together.
        budgets: Of all its keys together.
        created_s: When it was made, in seconds since the epoch.
        deleted_s: When it was deleted; None while it lives.
        retention: How long its texts are kept.
    """

    id: str = DEFAULT_TENANT
    name: str = ""
    limits: Limits = Limits()
    budgets: Budgets = Budgets()
    created_s: float = 0.0
    deleted_s: float | None = None
    retention: Retention = Retention()


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a tenant, without its secrets.

    Attributes:
        id: Names it; public.
        tenant: Whose it is.
        name: What it is for, in words of whoever made it.
        scopes: What it opens.
        groups: Groups whose documents it reads; None for all of its tenant.
        releases: Releases and models that it may ask; None for all.
        limits: Of this key alone.
        budgets: Of this key alone.
        created_s: When it was made, in seconds since the epoch.
        created_by: The id of the key, or the name of the person, that made it.
        expires_s: When it ceases to be valid; None for never.
        revoked_s: When it was revoked; None while it holds.
        last_used_day: The last day on which it was used, in UTC; empty where it never was.
    """

    id: str
    tenant: str
    name: str
    scopes: frozenset[Scope]
    groups: frozenset[str] | None = None
    releases: frozenset[str] | None = None
    limits: Limits = Limits()
    budgets: Budgets = Budgets()
    created_s: float = 0.0
    created_by: str = ""
    expires_s: float | None = None
    revoked_s: float | None = None
    last_used_day: str = ""
