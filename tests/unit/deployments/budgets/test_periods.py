"""When budgets begin anew."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from deployments.budgets.periods import Period, periods_at

BERLIN = ZoneInfo("Europe/Berlin")


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_a_day_and_a_month_of_utc() -> None:
    assert periods_at(_at("2026-12-31T23:59:59+00:00"), UTC) == (
        Period("2026-12-31", _at("2027-01-01T00:00:00+00:00")),
        Period("2026-12", _at("2027-01-01T00:00:00+00:00")),
    )


def test_another_time_zone_has_other_days() -> None:
    day, month = periods_at(_at("2026-11-30T23:30:00+00:00"), BERLIN)
    assert (day.name, month.name) == ("2026-12-01", "2026-12")


@pytest.mark.parametrize(
    ("midnight", "hours"), [("2026-03-29T00:00:00+01:00", 23), ("2026-10-25T00:00:00+02:00", 25)]
)
def test_a_day_on_which_clocks_are_changed_is_shorter_or_longer(midnight: str, hours: int) -> None:
    day, _ = periods_at(_at(midnight), BERLIN)
    assert day.ends_s - _at(midnight) == hours * 3600
