"""Between tenants, keys and audit entries, and their forms on the wire."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from app.schemas.access import (
    AuditInfo,
    BudgetsForm,
    BudgetsInfo,
    KeyInfo,
    LimitsForm,
    LimitsInfo,
    RetentionForm,
    RetentionInfo,
    TenantInfo,
)
from app.settings.live.prices import PICOUSD_PER_USD
from deployments.access.audit import AuditEntry
from deployments.access.records import Budgets, Key, Limits, Retention, Tenant


def limits_of(form: LimitsForm) -> Limits:
    """Returns the limits that a form asks for."""
    return Limits(form.requests_per_min, form.tokens_per_min, form.concurrent_requests)


def budgets_of(form: BudgetsForm) -> Budgets:
    """Returns the budgets that a form asks for."""
    return Budgets(
        day_picousd=_picousd(form.day_usd),
        month_picousd=_picousd(form.month_usd),
        day_tokens=form.day_tokens,
        month_tokens=form.month_tokens,
        mode=form.mode,
    )


def retention_of(form: RetentionForm) -> Retention:
    """Returns the retention that a form asks for."""
    return Retention(form.conversation_days)


def tenant_info(tenant: Tenant) -> TenantInfo:
    """Returns a tenant as it is shown."""
    return TenantInfo(
        id=tenant.id,
        name=tenant.name,
        limits=_limits(tenant.limits),
        budgets=_budgets(tenant.budgets),
        retention=RetentionInfo(**asdict(tenant.retention)),
        created_at=_time(tenant.created_s),
        deleted_at=_time_or_none(tenant.deleted_s),
    )


def key_info(key: Key) -> KeyInfo:
    """Returns a key as it is shown."""
    return KeyInfo.model_validate(key_fields(key))


def key_fields(key: Key) -> dict[str, Any]:
    """Returns the fields of a key as it is shown."""
    return {
        "id": key.id,
        "tenant": key.tenant,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "groups": None if key.groups is None else sorted(key.groups),
        "releases": None if key.releases is None else sorted(key.releases),
        "limits": _limits(key.limits),
        "budgets": _budgets(key.budgets),
        "created_at": _time(key.created_s),
        "created_by": key.created_by,
        "expires_at": _time_or_none(key.expires_s),
        "revoked_at": _time_or_none(key.revoked_s),
        "last_used_on": key.last_used_day,
    }


def audit_info(entry: AuditEntry) -> AuditInfo:
    """Returns an entry as it is shown."""
    return AuditInfo(
        number=entry.number,
        at=_time(entry.at_s),
        actor=entry.actor,
        tenant=entry.tenant,
        action=entry.action,
        object=entry.target,
        outcome=entry.outcome,
        request_id=entry.request_id,
        changes=dict(entry.changes),
    )


def _limits(limits: Limits) -> LimitsInfo:
    return LimitsInfo(**asdict(limits))


def _budgets(budgets: Budgets) -> BudgetsInfo:
    return BudgetsInfo(
        day_usd=_usd(budgets.day_picousd),
        month_usd=_usd(budgets.month_picousd),
        day_tokens=budgets.day_tokens,
        month_tokens=budgets.month_tokens,
        mode=budgets.mode,
    )


def _picousd(usd: float | None) -> int | None:
    return None if usd is None else round(usd * PICOUSD_PER_USD)


def _usd(picousd: int | None) -> float | None:
    return None if picousd is None else picousd / PICOUSD_PER_USD


def _time(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def _time_or_none(at_s: float | None) -> datetime | None:
    return None if at_s is None else _time(at_s)
