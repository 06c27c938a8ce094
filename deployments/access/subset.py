"""What a key may give away: no more than it has."""

from collections.abc import Sequence

from deployments.access.records import Key
from deployments.contracts.errors import InvalidRequest


def require_subset(key: Key, maker: Key) -> None:
    """Makes sure that a key opens nothing that its maker's does not.

    Raises:
        InvalidRequest: it would, and the field says where.
    """
    if maker.scopes >= {"operator"}:
        return
    checks = {
        "tenant": key.tenant == maker.tenant,
        "scopes": key.scopes <= maker.scopes,
        "groups": maker.groups is None or (key.groups is not None and key.groups <= maker.groups),
        "releases": maker.releases is None
        or (key.releases is not None and key.releases <= maker.releases),
        "limits": _within(
            key.limits, maker.limits, ("requests_per_min", "tokens_per_min", "concurrent_requests")
        ),
        "budgets": _within(
            key.budgets,
            maker.budgets,
            ("day_picousd", "month_picousd", "day_tokens", "month_tokens"),
        ),
        "expires_at": maker.expires_s is None
        or (key.expires_s is not None and key.expires_s <= maker.expires_s),
    }
    wrong = [field for field, holds in checks.items() if not holds]
    if wrong:
        says = "A key may open no more than the key that makes it."
        errors = tuple({"field": field, "message": says, "type": "value_error"} for field in wrong)
        raise InvalidRequest(f"{says} Too much: {', '.join(wrong)}.", errors=errors)


def _within(given: object, most: object, fields: Sequence[str]) -> bool:
    for field in fields:
        bound, value = getattr(most, field), getattr(given, field)
        if bound is not None and (value is None or value > bound):
            return False
    return True
