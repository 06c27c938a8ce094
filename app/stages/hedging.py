"""Whether a call that is late is worth a copy, for another replica.

Source: Dean and Barroso, The Tail at Scale, Communications of the ACM 56(2), 2013, section "Within
Request Short-Term Adaptations"; the bound on copies is ours.
"""

from collections import deque
from collections.abc import Callable

from app.settings.cold.hedging import HedgingArgs

_REMEMBERED = 100
"""Calls by which it is judged what is usual."""
_USUAL = 0.95
"""Share of them that was not slower than what is usual."""
_MOST_SAVED = 8.0
"""Copies that may be sent at once after a quiet time: about what is under way on a replica."""


class Hedging:
    """Decides for one deployment; its state is that of one gateway replica.

    Args:
        settings: When, and how often.
        has_others: Whether the deployment has more than one replica.
    """

    def __init__(self, settings: HedgingArgs, has_others: Callable[[], bool]) -> None:
        self._settings = settings
        self._has_others = has_others
        self._took_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._saved = _MOST_SAVED if settings.budget_ratio else 0.0
        self.first_look_s = settings.after_s
        """A call that took less is not late."""

    def note(self, took_s: float) -> None:
        """Notes a call that was answered."""
        self._took_s.append(took_s)
        self._saved = min(self._saved + self._settings.budget_ratio, _MOST_SAVED)

    def late_after_s(self) -> float:
        """Returns the time after which a call is late."""
        took_s = sorted(self._took_s)
        usual_s = took_s[int(_USUAL * (len(took_s) - 1))] if took_s else 0.0
        return max(self._settings.after_s, self._settings.times_slower * usual_s)

    def take(self) -> bool:
        """Returns whether a copy may be sent now, and counts it."""
        if self._saved < 1.0 or not self._has_others():
            return False
        self._saved -= 1.0
        return True
