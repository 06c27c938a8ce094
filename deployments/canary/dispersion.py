"""How uncertain a mean is when requests resemble each other.

Requests of one caller, and those of one minute, are no independent observations: a thousand
requests of ten callers say little more than ten. The variance is estimated three times, as if all
requests were independent, from the sums by caller, and from the sums by time, and the largest
counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from deployments.canary.evidence import Array, Tally

MIN_BLOCKS = 8
"""Fewer blocks of time, or groups of callers, say too little of how much these differ."""


@dataclass(frozen=True, slots=True)
class Dispersion:
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


@dataclass(frozen=True, slots=True)
class Side:
    """One arm. `scale` is 1, or what turns a deviation of the mean into one of its logarithm."""

    tally: Tally
    scale: float = 1.0

    def independent(self) -> float:
        """Returns the variance of the mean as if all requests were independent."""
        return self.scale**2 * self.tally.variance / self.tally.count

    def influence(self, sums: Array) -> Array:
        """Returns by how much each group moves the mean.

        Source: linearisation of a ratio of sums; Deng, Knoblich and Lu, Applying the Delta Method
        in Metric Analytics, KDD 2018, section 3.
        """
        deviations = sums[:, 1] - self.tally.mean * sums[:, 0]
        return deviations * (self.scale / self.tally.count)


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
    counts = [side.tally.count for side in sides]
    independent = sum(side.independent() for side in sides)
    independent = max(independent, sum(floor / count for count in counts))
    by_caller, df_by_caller, callers = _by_caller(sides)
    influence, weights = _by_block(sides)
    estimates = [
        (independent, float(sum(counts) - len(counts))),
        (by_caller, df_by_caller),
        *_by_time(influence, weights, len(sides)),
    ]
    variance, df = max(estimates)
    design_effect = variance / independent if independent > 0 else 1.0
    groups = min(callers, _effective(weights, len(sides)))
    return Dispersion(variance, max(df, 1.0), design_effect, groups)


def _effective(weights: Array, total: float) -> float:
    """Returns how many groups of equal weight are as good as these, which have a total weight.

    Source: Kish, Survey Sampling, 1965, section 11.7.
    """
    squares = float(weights @ weights)
    return total**2 / squares if squares > 0 else 0.0


def _by_caller(sides: tuple[Side, ...]) -> tuple[float, float, float]:
    """Returns the variance from the sums by bucket, its degrees of freedom, and the groups of the
    arm that has fewer.

    Callers stay in their arm, so the arms are independent.

    Source: Satterthwaite, An Approximate Distribution of Estimates of Variance Components,
    Biometrics Bulletin 2(6), 1946.
    """
    variance = uncertainty = 0.0
    fewest = float("inf")
    for side in sides:
        buckets = side.tally.buckets
        groups = _effective(buckets[:, 0], side.tally.count)
        fewest = min(fewest, groups)
        if groups <= 1.0:
            return 0.0, 1.0, groups
        influence = side.influence(buckets)
        part = float(influence @ influence) * groups / (groups - 1.0)
        variance += part
        uncertainty += part**2 / (groups - 1.0)
    return variance, variance**2 / uncertainty if uncertainty > 0 else 1.0, fewest


def _by_block(sides: tuple[Side, ...]) -> tuple[Array, Array]:
    """Returns by how much each block moves the difference, and how much of the data it holds."""
    influence = sides[0].influence(sides[0].tally.blocks)
    weights = sides[0].tally.blocks[:, 0] / sides[0].tally.count
    for side in sides[1:]:
        influence = influence - side.influence(side.tally.blocks)
        weights = weights + side.tally.blocks[:, 0] / side.tally.count
    return influence, weights


def _by_time(influence: Array, weights: Array, total: float) -> Iterator[tuple[float, float]]:
    """Yields variances and degrees of freedom from blocks that double in length while there are
    enough of them."""
    while (blocks := _effective(weights, total)) >= MIN_BLOCKS:
        yield float(influence @ influence) * blocks / (blocks - 1.0), blocks - 1.0
        influence = influence[0::2] + influence[1::2]
        weights = weights[0::2] + weights[1::2]
