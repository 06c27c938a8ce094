"""Usage as `/v1/usage` shows it."""

import csv
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from io import StringIO

from app.schemas.usage import UsageFigures, UsageGroup, UsageReport
from app.settings.live.prices import PICOUSD_PER_USD
from deployments.activity import Usage, UsageQuery, UsageRow


def usage_report(query: UsageQuery, rows: Sequence[UsageRow]) -> UsageReport:
    """Returns rows and their total."""
    total = sum((row.usage for row in rows), Usage())
    return UsageReport(
        from_day=query.from_day,
        to_day=query.to_day,
        by=list(query.by),
        rows=[UsageGroup.model_validate({**row.group, **_figures(row.usage)}) for row in rows],
        total=UsageFigures.model_validate(_figures(total)),
    )


def usage_csv(query: UsageQuery, rows: Sequence[UsageRow]) -> str:
    """Returns rows as CSV (RFC 4180) with a header line. Costs have all their digits."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow([*query.by, *_figures(Usage())])
    for row in rows:
        figures = {**_figures(row.usage), "cost_usd": f"{_usd(row.usage):f}"}
        writer.writerow([*row.group.values(), *figures.values()])
    return text.getvalue()


def _figures(usage: Usage) -> dict[str, float]:
    figures = asdict(usage)
    del figures["cost_picousd"]
    return {**figures, "cost_usd": float(_usd(usage))}


def _usd(usage: Usage) -> Decimal:
    return Decimal(usage.cost_picousd) / PICOUSD_PER_USD
