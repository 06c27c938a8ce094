"""How sure a figure is: bootstrap intervals over queries, 95 %.

Figures of the same queries under the same seed are drawn together, so that their differences can be
taken query by query.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3 (percentiles).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_RESAMPLES = 2000
_BLOCK = 200
"""Resamples that are in memory at once: 200 of 4000 queries are 6 MB."""
_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """Returns it for a result, to four places."""
        return {
            "value": round(self.value, 4),
            "ci95": [round(self.low, 4), round(self.high, 4)],
        }


def mean(values: ArrayLike, *, seed: int, resamples: int = _RESAMPLES) -> Estimate:
    """Returns the mean of one value per query; at least one is needed."""
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise ValueError("There is no mean of nothing.")
    drawn = [
        array[places].mean(axis=1)
        for places in _resampled(array.size, np.random.default_rng(seed), resamples)
    ]
    return _estimate(float(array.mean()), drawn)


def auroc(
    positives: ArrayLike, negatives: ArrayLike, *, seed: int, resamples: int = _RESAMPLES
) -> Estimate:
    """Returns the probability that a positive has a higher score than a negative, a tie counting
    half: the area under the ROC curve. Both kinds are drawn on their own.

    Args:
        positives: Scores of those that should be high; at least one.
        negatives: The same of those that should be low. Minus infinity is a score.

    Source: Hanley and McNeil, The Meaning and Use of the Area under a ROC Curve, Radiology 143,
    1982.
    """
    high = np.asarray(positives, dtype=np.float64)
    low = np.asarray(negatives, dtype=np.float64)
    if not high.size or not low.size:
        raise ValueError("An AUROC needs scores of both kinds.")
    levels, place = np.unique(np.concatenate([high, low]), return_inverse=True)
    high_level, low_level = place[: high.size], place[high.size :]
    area = _area(levels.size)
    chance = np.random.default_rng(seed)
    pairs = zip(
        _resampled(high.size, chance, resamples),
        _resampled(low.size, chance, resamples),
        strict=True,
    )
    drawn = [area(high_level[ours], low_level[theirs]) for ours, theirs in pairs]
    return _estimate(float(area(high_level[None, :], low_level[None, :])[0]), drawn)


def _resampled(
    count: int, chance: np.random.Generator, resamples: int
) -> Iterator[NDArray[np.int64]]:
    """Yields places of 0 to `count`, drawn with replacement: (block, count)."""
    for start in range(0, resamples, _BLOCK):
        yield chance.integers(count, size=(min(_BLOCK, resamples - start), count))


def _area(levels: int) -> Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float64]]:
    """Returns what gives the area of each row, from the levels of its scores."""

    def counted(rows: NDArray[Any]) -> NDArray[np.int64]:
        offsets = np.arange(len(rows))[:, None] * levels
        flat = np.bincount((rows + offsets).ravel(), minlength=len(rows) * levels)
        return flat.reshape(len(rows), levels)

    def area(high: NDArray[Any], low: NDArray[Any]) -> NDArray[np.float64]:
        positives, negatives = counted(high), counted(low)
        below = negatives.cumsum(axis=1) - negatives / 2
        share: NDArray[np.float64] = (positives * below).sum(axis=1)
        share /= high.shape[1] * low.shape[1]
        return share

    return area


def _estimate(value: float, drawn: list[NDArray[np.float64]]) -> Estimate:
    low, high = np.percentile(np.concatenate(drawn), _PERCENTILES)
    return Estimate(value, float(low), float(high))
