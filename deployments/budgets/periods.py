"""Days and calendar months, in which budgets begin anew."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class Period:
    """A day or a month.

    Attributes:
        name: `2026-11-29` or `2026-11`.
        ends_s: When the next one begins, in seconds since the epoch.
    """

    name: str
    ends_s: float


def periods_at(now_s: float, zone: tzinfo) -> tuple[Period, Period]:
    """Returns the day and the month of a moment.

    >>> from datetime import UTC
    >>> [period.name for period in periods_at(0.0, UTC)]
    ['1970-01-01', '1970-01']
    """
    now = datetime.fromtimestamp(now_s, zone)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    tomorrow = midnight + timedelta(days=1)  # by the calendar: a day may have 23 or 25 hours
    next_month = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    return (
        Period(f"{now:%Y-%m-%d}", tomorrow.timestamp()),
        Period(f"{now:%Y-%m}", next_month.timestamp()),
    )
