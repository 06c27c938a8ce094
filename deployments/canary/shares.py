"""How a canary's share of failed, cut off or slow requests compares with the baseline's."""

import math

from deployments.canary.comparison import Comparison, Terms
from deployments.canary.dispersion import Side, dispersion
from deployments.canary.evidence import TAIL_EDGES, Tally
from deployments.canary.sequential import is_more_frequent, mixture_radius, wilson_bounds

TAIL_SHARE = 0.1
"""A tail begins at the lowest threshold that no larger share of both arms' requests exceeds."""
_ROUNDING = 1e-6
"""Of counts of requests."""

Pair = tuple[float, float]
"""A figure of the canary, and the same of the baseline."""


def compare_shares(canary: Tally, baseline: Tally, terms: Terms) -> Comparison:
    """Returns the difference of two shares.

    That the canary is worse is proven by `is_more_frequent`, which needs no event in the baseline.
    The bounds of the difference are asymptotic.

    Source: counts of clustered requests are divided by their design effect, Rao and Scott, A Simple
    Method for the Analysis of Clustered Binary Data, Biometrics 48(2), 1992. The interval of a
    difference is Newcombe's, Interval Estimation for the Difference Between Independent
    Proportions, Statistics in Medicine 17(8), 1998, method 10, with the critical value of a
    confidence sequence.

    Args:
        canary: Of values 0 and 1.
        baseline: Of values 0 and 1.
        terms: The question.
    """
    together = (canary.total + baseline.total) / (canary.count + baseline.count)
    spread = dispersion(Side(canary), Side(baseline), floor=together * (1.0 - together))
    requests = canary.count / spread.design_effect, baseline.count / spread.design_effect
    shares = canary.mean, baseline.mean
    bad = shares if terms.sign > 0 else (1.0 - shares[0], 1.0 - shares[1])
    return Comparison(
        *shares,
        change=bad[0] - bad[1],
        lower=-_upper_bound(bad[::-1], requests[::-1], terms.harm, sharp_at=2.0 * terms.margin),
        upper=_upper_bound(bad, requests, terms.promotion, sharp_at=terms.margin),
        margin=terms.margin,
        worse=_more_frequent(bad, requests, terms.harm),
        dispersion=spread,
    )


def compare_tails(canary: Tally, baseline: Tally, terms: Terms) -> Comparison:
    """Returns the difference of the shares of slow requests.

    What is slow is decided by both arms together, so that it favours neither.

    Args:
        canary: With counts of its tail.
        baseline: With counts of its tail.
        terms: The question; its margin is relative to the baseline's share.
    """
    up_to = (canary.tail + baseline.tail).cumsum()
    edge = int(up_to[:-1].searchsorted((1.0 - TAIL_SHARE) * up_to[-1] - _ROUNDING))
    edge = min(edge, len(TAIL_EDGES) - 1)
    slow = canary.beyond(edge), baseline.beyond(edge)
    margin = terms.margin * max(slow[1].mean, 1.0 / slow[1].count)
    found = compare_shares(*slow, terms._replace(margin=margin))
    return found._replace(threshold_ms=float(TAIL_EDGES[edge]))


def _upper_bound(bad: Pair, requests: Pair, alpha: float, *, sharp_at: float) -> float:
    """Returns the upper bound of the first share less the second."""
    # One event more in each arm: no share is certain because nothing has happened yet.
    variance = 0.0
    for share, count in zip(bad, requests, strict=True):
        guarded = (share * count + 1.0) / (count + 2.0)
        variance += guarded * (1.0 - guarded) / count
    radius = mixture_radius(variance, alpha=alpha, centre=sharp_at, spread=sharp_at / 3.0)
    z = radius / math.sqrt(variance)
    _, high = wilson_bounds(bad[0] * requests[0], requests[0], z=z)
    low, _ = wilson_bounds(bad[1] * requests[1], requests[1], z=z)
    return bad[0] - bad[1] + math.hypot(high - bad[0], bad[1] - low)


def _more_frequent(bad: Pair, requests: Pair, alpha: float) -> bool:
    """Returns whether the first share is proven to be larger. Of what happens to most requests the
    opposite is counted, which says more."""
    events = bad[0] * requests[0], bad[1] * requests[1]
    if sum(events) <= 0.5 * sum(requests):
        return is_more_frequent(events[0], requests[0], events[1], requests[1], alpha=alpha)
    rest = requests[0] - events[0], requests[1] - events[1]
    return is_more_frequent(rest[1], requests[1], rest[0], requests[0], alpha=alpha)
