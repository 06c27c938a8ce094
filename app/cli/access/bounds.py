"""Options for limits and budgets, as keys and tenants have them, and the bodies made of them."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

RequestsOption = Annotated[
    int | None, typer.Option("--requests-per-min", help="Requests in a minute.", min=1)
]
TokensOption = Annotated[
    int | None, typer.Option("--tokens-per-min", help="Tokens in a minute.", min=1)
]
ConcurrentOption = Annotated[
    int | None, typer.Option("--concurrent", help="Requests at the same moment.", min=1)
]
DayUsdOption = Annotated[
    float | None, typer.Option("--usd-per-day", help="Dollars in a day, in UTC.", min=0)
]
MonthUsdOption = Annotated[
    float | None, typer.Option("--usd-per-month", help="Dollars in a calendar month.", min=0)
]
ConversationDaysOption = Annotated[
    float | None,
    typer.Option(
        "--conversation-days",
        help="Days after which a conversation without a turn goes; 0 for as many as for all.",
        min=0,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def bounds_body(
    *,
    requests_per_min: int | None,
    tokens_per_min: int | None,
    concurrent: int | None,
    day_usd: float | None,
    month_usd: float | None,
) -> dict[str, Any]:
    """Returns the fields `limits` and `budgets` of a body; neither where nothing was said."""
    limits = {
        "requests_per_min": requests_per_min,
        "tokens_per_min": tokens_per_min,
        "concurrent_requests": concurrent,
    }
    budgets = {"day_usd": day_usd, "month_usd": month_usd}
    said = {"limits": _said(limits), "budgets": _said(budgets)}
    return {name: fields for name, fields in said.items() if fields}


def retention_body(conversation_days: float | None) -> dict[str, Any]:
    """Returns the field `retention` of a body; none where nothing was said."""
    if conversation_days is None:
        return {}
    return {"retention": {"conversation_days": conversation_days} if conversation_days else {}}


def bounds_text(info: Mapping[str, Any]) -> str:
    """Returns limits, budgets and retention in a few words."""
    units = {
        "requests_per_min": "{:,}/min",
        "tokens_per_min": "{:,} tokens/min",
        "concurrent_requests": "{} at once",
        "day_usd": "${:,.2f}/day",
        "month_usd": "${:,.2f}/month",
        "day_tokens": "{:,} tokens/day",
        "month_tokens": "{:,} tokens/month",
        "conversation_days": "conversations {:g} days",
    }
    known = {**info["limits"], **info["budgets"], **info.get("retention", {})}
    said = [text.format(known[name]) for name, text in units.items() if known.get(name) is not None]
    return ", ".join(said) or "none"


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
