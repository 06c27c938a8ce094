"""How uncertain a mean is when requests resemble each other.

Requests of one caller, and those of one minute, are no independent observations: a thousand
requests of ten callers say little more than ten. The variance is estimated three times, as if all
requests were independent, from the sums by caller, and from the sums by time, and the largest
counts.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from deployments.canary.evidence import MAX_BLOCKS, Array, Tally

MIN_BLOCKS = 8
"""Fewer blocks of time, or groups of callers, say too little of how much these differ."""
_LENGTHS = [2**level for level in range((MAX_BLOCKS // MIN_BLOCKS).bit_length())]
_JOINED: Array = np.vstack([np.eye(MAX_BLOCKS).reshape(-1, n, MAX_BLOCKS).sum(1) for n in _LENGTHS])
"""Joins blocks to those of every length, the shortest first."""
_BY_LENGTH: Array = np.repeat(np.eye(len(_LENGTHS)), [MAX_BLOCKS // n for n in _LENGTHS], axis=1)
"""Sums what is known of blocks by their length."""


class Dispersion(NamedTuple):
    """The variance of a mean, or of a difference of means.

    Args:
        variance: The largest of the three estimates.
        df: Its degrees of freedom.
        design_effect: How many times it is that of independent requests, at least 1.
        groups: Blocks of time or groups of callers with requests, the fewer of both.
    """

    variance: float
    df: float
    design_effect: float
    groups: float


class Side(NamedTuple):
    """One arm. `scale` is 1, or what turns a deviation of the mean into one of its logarithm."""

    tally: Tally
    scale: float = 1.0

    def independent(self) -> float:
        """Returns the variance of the mean as if all requests were independent."""
        return self.scale**2 * self.tally.variance / self.tally.count

    def moves(self, sign: float) -> Array:
        """Returns a matrix that turns the count and total of a group into two other figures: by how
        much the group moves the mean, times `sign`, and which share of the requests it holds.

        Source: linearisation of a ratio of sums; Deng, Knoblich and Lu, Applying the Delta Method
        in Metric Analytics, KDD 2018, section 3.
        """
        per_request = 1.0 / self.tally.count
        moved = sign * self.scale * per_request
        return np.array([[-self.tally.mean * moved, per_request], [moved, 0.0]])


def dispersion(*sides: Side, floor: float = 0.0) -> Dispersion:
    """Returns the variance of the difference between two arms, or of the mean of one.

    Asymptotic in the number of groups; few groups make few degrees of freedom. Whatever moves both
    arms at the same time, such as the load of the day, cancels out block by block.

    Args:
        sides: One or two arms with values.
        floor: Variance of one request at least, where values hardly differ.

    Source: Cameron and Miller, A Practitioner's Guide to Cluster-Robust Inference, Journal of Human
    Resources 50(2), 2015, sections II and VI. Blocks of time as clusters, of which longer ones see
    longer dependence: Schmeiser, Batch Size Effects in the Analysis of Simulation Output,
    Operations Research 30(3), 1982.
    """
    degrees = independent = floored = 0.0
    for side in sides:
        degrees += side.tally.count - 1.0
        independent += side.independent()
        floored += floor / side.tally.count
    independent = max(independent, floored)
    arms = [(side.tally, side.moves(sign)) for side, sign in zip(sides, (1.0, -1.0), strict=False)]
    by_caller, df_by_caller, callers = _by_caller(arms)
    by_time, df_by_time, moments = _by_time(arms)
    variance, df = max((independent, degrees), (by_caller, df_by_caller), (by_time, df_by_time))
    design_effect = variance / independent if independent > 0 else 1.0
    return Dispersion(variance, max(df, 1.0), design_effect, min(callers, moments))


def _by_caller(arms: Sequence[tuple[Tally, Array]]) -> tuple[float, float, float]:
    """Returns the variance from the sums by bucket, its degrees of freedom, and the groups of the
    arm that has fewer: how many of equal size were as good, by Kish, Survey Sampling, 1965,
    section 11.7.

    Callers stay in their arm, so the arms are independent.

    Source: Satterthwaite, An Approximate Distribution of Estimates of Variance Components,
    Biometrics Bulletin 2(6), 1946.
    """
    variance = uncertainty = 0.0
    fewest = float("inf")
    for tally, moves in arms:
        moved = tally.buckets[:, :2] @ moves
        (squares, _), (_, weights) = (moved.T @ moved).tolist()
        groups = 1.0 / weights
        fewest = min(fewest, groups)
        if groups <= 1.0:
            return 0.0, 1.0, groups
        part = squares * groups / (groups - 1.0)
        variance += part
        uncertainty += part**2 / (groups - 1.0)
    return variance, variance**2 / uncertainty if uncertainty > 0 else 1.0, fewest


def _by_time(arms: Sequence[tuple[Tally, Array]]) -> tuple[float, float, float]:
    """Returns the largest variance from the sums by block, its degrees of freedom, and the blocks
    that are as good as those of both arms, by Kish. Blocks double in length while there are enough
    of them; the variance is 0 where there never are."""
    moved = arms[0][0].blocks[:, :2] @ arms[0][1]
    for tally, moves in arms[1:]:
        moved += tally.blocks[:, :2] @ moves
    joined = _JOINED @ moved
    found, moments = (0.0, 1.0), 0.0
    for squares, weights in (_BY_LENGTH @ (joined * joined)).tolist():
        groups = len(arms) ** 2 / weights
        moments = moments or groups
        if groups < MIN_BLOCKS:
            break
        found = max(found, (squares * groups / (groups - 1.0), groups - 1.0))
    return *found, moments
