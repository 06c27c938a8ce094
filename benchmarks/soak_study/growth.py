"""Whether what a process holds grows: a line through its samples after the warm-up."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import theilslopes


@dataclass(frozen=True, slots=True)
class Growth:
    """How one thing of one process changed.

    Attributes:
        begins: Where the line begins, after the warm-up.
        ends: Where it ends.
        percent_per_h: Its slope, as a share of where it begins.
        low_percent_per_h: The least slope that the samples allow, by its 95 % confidence interval.
    """

    begins: float
    ends: float
    percent_per_h: float
    low_percent_per_h: float


def growth(times_s: Sequence[float], values: Sequence[float]) -> Growth | None:
    """Returns how values changed; None where there are too few to say.

    The median of the slopes between all pairs: one sample that was taken while something large
    passed through moves it by nothing.

    Source: Theil, A Rank-Invariant Method of Linear and Polynomial Regression Analysis, 1950; Sen,
    Estimates of the Regression Coefficient Based on Kendall's Tau, JASA 63, 1968.
    """
    if len(values) < 10 or times_s[-1] == times_s[0]:
        return None
    hours = np.asarray(times_s) / 3600
    slope, intercept, low, _ = theilslopes(np.asarray(values, dtype=float), hours)
    begins, ends = (float(intercept + slope * at) for at in (hours[0], hours[-1]))
    base = max(begins, 1.0)
    return Growth(begins, ends, 100 * float(slope) / base, 100 * float(low) / base)


def is_growing(found: Growth, most_percent_per_h: float, *, least: float) -> bool:
    """Returns whether something grows by more than is allowed: for certain, and by more than
    `least` over the whole time, since one page more of a small process is no leak."""
    grown = found.ends - found.begins
    return (
        found.percent_per_h > most_percent_per_h and found.low_percent_per_h > 0 and grown > least
    )
