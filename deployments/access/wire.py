"""Tenants and keys as rows of the database."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from deployments.access.records import Budgets, Key, Limits, Retention, Scope, Tenant
from deployments.access.tables import KeyRow, TenantRow

RETENTION = "retention"
"""Where the retention of a tenant stands in its settings."""


def tenant_of(row: TenantRow) -> Tenant:
    """Returns what a row says."""
    settings = json.loads(row.settings)
    return Tenant(
        id=row.id,
        name=row.name,
        limits=_limits(settings),
        budgets=_budgets(settings),
        created_s=row.created_s,
        deleted_s=row.deleted_s,
        retention=retention_of(row.settings),
    )


def tenant_settings(tenant: Tenant) -> str:
    """Returns the column `settings` of a tenant; its retention only where it has one, so that rows
    are found that do."""
    settings = {"limits": asdict(tenant.limits), "budgets": asdict(tenant.budgets)}
    if tenant.retention != Retention():
        settings[RETENTION] = asdict(tenant.retention)
    return json.dumps(settings)


def retention_of(settings: str) -> Retention:
    """Returns the retention that the column `settings` of a tenant says."""
    return Retention(**json.loads(settings).get(RETENTION, {}))


def key_of(row: KeyRow, *, last_used_day: str = "") -> Key:
    """Returns what a row says."""
    settings = json.loads(row.settings)
    return Key(
        id=row.id,
        tenant=row.tenant,
        name=row.name,
        scopes=frozenset(cast(list[Scope], settings["scopes"])),
        groups=_names(settings["groups"]),
        releases=_names(settings["releases"]),
        limits=_limits(settings),
        budgets=_budgets(settings),
        created_s=row.created_s,
        created_by=row.created_by,
        expires_s=row.expires_s,
        revoked_s=row.revoked_s,
        last_used_day=last_used_day,
    )


def key_settings(key: Key) -> str:
    """Returns the column `settings` of a key."""
    return json.dumps(
        {
            "scopes": sorted(key.scopes),
            "groups": None if key.groups is None else sorted(key.groups),
            "releases": None if key.releases is None else sorted(key.releases),
            "limits": asdict(key.limits),
            "budgets": asdict(key.budgets),
        }
    )


def tenant_row(tenant: Tenant, version: int) -> TenantRow:
    """Returns the row of a new tenant."""
    return TenantRow(
        id=tenant.id,
        name=tenant.name,
        settings=tenant_settings(tenant),
        created_s=tenant.created_s,
        deleted_s=None,
        version=version,
    )


def key_row(key: Key, version: int) -> KeyRow:
    """Returns the row of a new key."""
    return KeyRow(
        id=key.id,
        tenant=key.tenant,
        name=key.name,
        settings=key_settings(key),
        created_s=key.created_s,
        created_by=key.created_by,
        expires_s=key.expires_s,
        revoked_s=None,
        version=version,
    )


def said_of(settings: str) -> Mapping[str, object]:
    """Returns what an audit row may say of settings: what was set, and nothing that was not."""
    found: dict[str, Any] = {}
    for name, value in json.loads(settings).items():
        kept = (
            {key: one for key, one in value.items() if one is not None}
            if isinstance(value, dict)
            else value
        )
        if kept not in (None, {}, {"mode": "enforce"}):
            found[name] = kept
    return found


def _names(value: list[str] | None) -> frozenset[str] | None:
    return None if value is None else frozenset(value)


def _limits(settings: Mapping[str, Any]) -> Limits:
    return Limits(**settings["limits"])


def _budgets(settings: Mapping[str, Any]) -> Budgets:
    return Budgets(**settings["budgets"])
