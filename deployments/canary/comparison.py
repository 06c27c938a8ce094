"""How a canary compares with its baseline: an estimate, and what is proven. Means are here, shares
in `shares.py`."""

import math
from typing import NamedTuple, Self

from deployments.canary.dispersion import Dispersion, Side, dispersion
from deployments.canary.evidence import Tally
from deployments.canary.sequential import mixture_radius, student_quantile

_FLOOR_RATIO = 0.1
"""Values that hardly differ are taken to differ by this share of the margin."""


class Terms(NamedTuple):
    """What a comparison is asked.

    Args:
        margin: The change that is tolerated: relative for means, a difference otherwise.
        harm: Probability, at all looks together, of calling a canary worse that is not.
        promotion: Probability of calling a canary acceptable that is worse than the margin.
        sign: 1 where higher is worse, -1 where lower is.
    """

    margin: float
    harm: float
    promotion: float
    sign: int = 1

    def both_ways(self) -> tuple[Self, Self]:
        """Returns the terms of two comparisons, one for each way, that err as often together."""
        halved = self._replace(harm=self.harm / 2.0, promotion=self.promotion / 2.0)
        return halved._replace(sign=1), halved._replace(sign=-1)


class Comparison(NamedTuple):
    """A canary against its baseline. Changes are positive where the canary is worse.

    Args:
        canary: Its value: a geometric mean, a mean, a share.
        baseline: The same of the baseline, or the target of a score.
        change: Relative for means, a difference otherwise.
        lower: The change is at least this.
        upper: The change is at most this.
        margin: The change that is tolerated, on the same scale.
        worse: Whether it is proven that the canary is worse at all.
        dispersion: How much is known.
        threshold_ms: From where a request is slow, for tails.
    """

    canary: float
    baseline: float
    change: float
    lower: float
    upper: float
    margin: float
    worse: bool
    dispersion: Dispersion
    threshold_ms: float | None = None


def compare_means(canary: Tally, baseline: Tally, terms: Terms, *, geometric: bool) -> Comparison:
    """Returns the ratio of two means, which must be above zero.

    Asymptotic: it rests on the mean of some tens of requests being nearly normal.

    Args:
        canary: With values.
        baseline: With values.
        terms: The question.
        geometric: Whether the values are logarithms.
    """
    if geometric:
        sides = Side(canary), Side(baseline)
        values = math.exp(canary.mean), math.exp(baseline.mean)
    else:
        sides = Side(canary, 1.0 / canary.mean), Side(baseline, 1.0 / baseline.mean)
        values = canary.mean, baseline.mean
    tolerated = abs(math.log1p(terms.sign * terms.margin))
    spread = dispersion(*sides, floor=(_FLOOR_RATIO * tolerated) ** 2)
    change = terms.sign * math.log(values[0] / values[1])
    lower, upper = _bounds(change, spread, tolerated, terms)
    return Comparison(
        *values,
        change=_relative(change, terms.sign),
        lower=_relative(lower, terms.sign),
        upper=_relative(upper, terms.sign),
        margin=terms.margin,
        worse=lower > 0.0,
        dispersion=spread,
    )


def compare_with_target(pairs: Tally, target: float, terms: Terms) -> Comparison:
    """Returns how far the mean score of shadow pairs falls short of a target.

    Asymptotic, as `compare_means`.
    """
    spread = dispersion(Side(pairs), floor=(_FLOOR_RATIO * terms.margin) ** 2)
    change = target - pairs.mean
    lower, upper = _bounds(change, spread, terms.margin, terms)
    return Comparison(pairs.mean, target, change, lower, upper, terms.margin, lower > 0.0, spread)


def _bounds(change: float, spread: Dispersion, margin: float, terms: Terms) -> tuple[float, float]:
    """Returns the bounds of a change. They are sharpest where the canary is worse by twice the
    margin, and where it is equal to the baseline."""
    return (
        change - _radius(spread, terms.harm, centre=2.0 * margin, width=margin),
        change + _radius(spread, terms.promotion, centre=margin, width=margin / 3.0),
    )


def _radius(spread: Dispersion, alpha: float, *, centre: float, width: float) -> float:
    error = math.sqrt(spread.variance)
    radius = mixture_radius(spread.variance, alpha=alpha, centre=centre, spread=width)
    return student_quantile(radius / error, spread.df) * error


def _relative(change: float, sign: int) -> float:
    """Returns a change of a logarithm as a share of the baseline, positive where it is worse."""
    return sign * math.expm1(min(sign * change, 700.0))
