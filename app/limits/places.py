"""Which budgets hold for a request: those of its key and its tenant, of this day and this month."""

from collections.abc import Sequence
from datetime import tzinfo

from app.limits.subjects import Subject
from deployments.budgets.contract import Place
from deployments.budgets.periods import Period, periods_at


class Calendar:
    """Tells budgets at a moment. The days of a zone are reckoned once a day.

    Args:
        zone: Where days begin.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._from_s = 0.0
        self._periods: tuple[Period, Period] | None = None

    def places(self, subjects: Sequence[Subject], now_s: float) -> tuple[Place, ...]:
        """Returns the budgets that hold at a moment, those of the key first."""
        day, month = self._at(now_s)
        places = []
        for subject in subjects:
            budgets = subject.budgets
            bounds = (
                (day, budgets.day_picousd, budgets.day_tokens),
                (month, budgets.month_picousd, budgets.month_tokens),
            )
            places += [
                Place(
                    subject.id,
                    period.name,
                    period.ends_s,
                    picousd,
                    tokens,
                    budgets.mode == "enforce",
                )
                for period, picousd, tokens in bounds
                if picousd is not None or tokens is not None
            ]
        return tuple(places)

    def _at(self, now_s: float) -> tuple[Period, Period]:
        known = self._periods
        if known is None or not self._from_s <= now_s < known[0].ends_s:
            known = self._periods = periods_at(now_s, self._zone)
            self._from_s = now_s
        return known
