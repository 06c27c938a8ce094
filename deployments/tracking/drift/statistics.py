"""Statistics of drift. How large an effect is by chance is found by shuffling blocks of time, not
single queries: those of one block depend on each other.

Source: Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 3rd edition, 2005, on
exchangeable blocks.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from deployments.tracking.drift.samples import Flags, Floats

COMPONENTS = 32
_FOLDS = 5
_INVERSE_PENALTY = 0.1
_EXCEEDED = 10
_NORMAL_95 = 1.959964


def shuffled(block: NDArray[np.int64], rng: np.random.Generator) -> Iterator[Flags]:
    """Yields for ever which samples are of the current window if blocks had been drawn for it by
    chance; as many blocks as there are from 0 on.

    Args:
        block: (n,) the block of each sample.
        rng: Source of chance.
    """
    names, place = np.unique(block, return_inverse=True)
    drawn = names >= 0
    while True:
        yield rng.permutation(drawn)[place]


def p_value(
    statistic: Callable[[Flags], float],
    observed: float,
    block: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    permutations: int,
) -> float:
    """Returns the probability that chance makes a statistic as large as observed. It stops early
    where chance often does.

    Source: Besag and Clifford, Sequential Monte Carlo p-values, Biometrika 78(2), 1991, section 3.

    Args:
        statistic: Of samples told apart by a flag.
        observed: Its value for the windows as they are.
        block: (n,) the block of each sample.
        rng: Source of chance.
        permutations: How many are tried at most.
    """
    exceeded = 0
    for tried, current in zip(range(1, permutations + 1), shuffled(block, rng), strict=False):
        exceeded += statistic(current) >= observed
        if exceeded == _EXCEEDED:
            return exceeded / tried
    return (exceeded + 1) / (permutations + 1)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Returns p-values in view of each other; those that are None stay, and do not count.

    Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of
    Statistics 6(2), 1979.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    least = 0.0
    for rank, (p, place) in enumerate(known):
        least = max(least, min(1.0, p * (len(known) - rank)))
        adjusted[place] = least
    return adjusted


class KolmogorovSmirnov:
    """The largest difference of two cumulative distributions, in [0, 1], for any division of the
    same values.

    Args:
        values: (n,) finite.
    """

    def __init__(self, values: Floats) -> None:
        self._order = np.argsort(values, kind="stable")
        ordered = values[self._order]
        self._ends = np.append(np.flatnonzero(np.diff(ordered)), len(values) - 1)

    def __call__(self, current: Flags) -> float:
        """Returns the distance of the flagged values from the others."""
        flagged = current[self._order]
        of_current = np.cumsum(flagged)[self._ends] / flagged.sum()
        of_others = np.cumsum(~flagged)[self._ends] / (~flagged).sum()
        return float(np.max(np.abs(of_current - of_others)))


class DomainClassifier:
    """How well a logistic regression tells samples apart that it has not seen, as the area under
    the ROC curve: 0.5 not at all, 1.0 always. Samples of a block are seen all or none.

    Source: Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests, ICLR 2017.

    Args:
        vectors: (n, dim).
        block: (n,) the block of each sample.
        seed: Of the division into folds.
    """

    def __init__(self, vectors: NDArray[np.float32], block: NDArray[np.int64], seed: int) -> None:
        from sklearn.decomposition import PCA

        # The components do not know which window a sample is of, so that shuffling stays fair.
        parts = min(COMPONENTS, *vectors.shape)
        found = PCA(parts, whiten=True, random_state=seed).fit_transform(vectors)
        self._components = np.nan_to_num(np.asarray(found, dtype=float))
        self._names, self._place = np.unique(block, return_inverse=True)
        self._rng = np.random.default_rng(seed)

    def __call__(self, current: Flags) -> float:
        """Returns the area under the curve for the flagged samples against the others."""
        from scipy.stats import rankdata
        from sklearn.linear_model import LogisticRegression

        scores = np.zeros(len(current))
        fold = self._folds(current)
        for number in range(_FOLDS):
            held_out = fold == number
            model = LogisticRegression(C=_INVERSE_PENALTY)
            model.fit(self._components[~held_out], current[~held_out])
            decided = model.decision_function(self._components[held_out])
            # Each fold's model has an intercept of its own: ranks within the fold compare.
            scores[held_out] = rankdata(decided) / held_out.sum()
        return area_under_curve(scores, current)

    def _folds(self, current: Flags) -> NDArray[np.int64]:
        """Deals the blocks of both sides to the folds, so that each fold has some of both."""
        flagged = np.zeros(len(self._names), dtype=np.bool_)
        flagged[self._place] = current
        fold = np.empty(len(self._names), dtype=np.int64)
        for side in (flagged, ~flagged):
            dealt = np.arange(side.sum()) % _FOLDS
            fold[side] = self._rng.permutation(dealt)
        return fold[self._place]


def area_under_curve(scores: Floats, current: Flags) -> float:
    """Returns the probability that a flagged sample scores above another one; ties count half."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)[current]
    size, others = len(ranks), len(current) - len(ranks)
    return float((ranks.sum() - size * (size + 1) / 2) / (size * others))


def share_difference(
    flags: Flags, current: Flags, block: NDArray[np.int64]
) -> tuple[float, float, float]:
    """Returns by how much the share of flags is larger in the current window, and the bounds of
    its 95 % confidence interval.

    Where queries of a block are alike, a window counts as fewer samples than it has.

    Source: Newcombe, Interval Estimation for the Difference Between Independent Proportions,
    Statistics in Medicine 17, 1998, method 10; the design effect of Rao and Scott, A Simple Method
    for the Analysis of Clustered Binary Data, Biometrics 48(2), 1992.
    """
    (now, now_low, now_high), (then, then_low, then_high) = (
        _share(flags[side], block[side]) for side in (current, ~current)
    )
    difference = now - then
    lower = difference - math.hypot(now - now_low, then_high - then)
    upper = difference + math.hypot(now_high - now, then - then_low)
    return difference, lower, upper


def _share(flags: Flags, block: NDArray[np.int64]) -> tuple[float, float, float]:
    """Returns a share and the bounds of Wilson's interval over the effective number of samples."""
    share, size = float(flags.mean()), len(flags)
    names, place = np.unique(block, return_inverse=True)
    if len(names) > 1 and 0.0 < share < 1.0:
        off = np.bincount(place, weights=flags - share)
        variance = len(names) / (len(names) - 1) * float(off @ off) / size**2
        design = variance / (share * (1.0 - share) / (size - 1))
        size = max(1, round(size / max(design, 1.0)))
    square = _NORMAL_95**2 / size
    centre = (share + square / 2) / (1 + square)
    margin = math.sqrt(square * (share * (1 - share) + square / 4)) / (1 + square)
    return share, max(0.0, centre - margin), min(1.0, centre + margin)
