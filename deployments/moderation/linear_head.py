"""A linear classifier over vectors of texts: small enough to be learned where it is used.

Source: Fan et al., LIBLINEAR: A Library for Large Linear Classification, JMLR 9, 2008: logistic
regression with an L2 penalty, one class against all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_LOSS_WEIGHT = 10.0
"""What the examples weigh against the penalty. Vectors of length 1 need more than the usual 1: with
it all scores of a few dozen examples lie near one half."""
_STEPS = 50
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Scores vectors.

    Attributes:
        categories: Their names.
        weights: Shape (categories, dim).
        biases: Shape (categories,).
    """

    categories: tuple[str, ...]
    weights: Array
    biases: Array

    def scores(self, vectors: NDArray[np.float32]) -> list[dict[str, float]]:
        """Returns by category, from 0 to 1, how likely each vector is one of its."""
        logits = vectors.astype(np.float64) @ self.weights.T + self.biases
        probabilities = _sigmoid(logits)
        return [dict(zip(self.categories, map(float, row), strict=True)) for row in probabilities]


def fit_head(vectors: NDArray[np.float32], categories: Sequence[str | None]) -> LinearHead:
    """Returns the head that parts examples by their categories; the same for the same examples.

    Args:
        vectors: Of the examples, shape (n, dim), each of length 1.
        categories: The category of each, None for none.
    """
    names = tuple(sorted({one for one in categories if one is not None}))
    design = np.hstack([vectors.astype(np.float64), np.ones((len(vectors), 1))])
    rows = [_fit(design, np.array([one == name for one in categories])) for name in names]
    fitted = np.stack(rows)
    return LinearHead(names, fitted[:, :-1], fitted[:, -1])


def _fit(design: Array, is_in: NDArray[np.bool_]) -> Array:
    """Returns weights and bias by Newton's method. Both sides weigh the same, however many examples
    each has: how rare a category is in the examples says nothing of how rare it is."""
    count, width = design.shape
    share = np.where(is_in, 0.5 / is_in.sum(), 0.5 / (~is_in).sum()) * count * _LOSS_WEIGHT
    penalty = np.ones(width)
    penalty[-1] = 1e-3  # the bias is free, but for a case that has no other bound
    target = is_in.astype(np.float64)
    weights = np.zeros(width)
    loss = _loss(weights, design, target, share, penalty)
    for _ in range(_STEPS):
        probabilities = _sigmoid(design @ weights)
        gradient = design.T @ (share * (probabilities - target)) + penalty * weights
        curvature = share * probabilities * (1 - probabilities)
        hessian = (design * curvature[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-4:
            tried = weights - size * step
            tried_loss = _loss(tried, design, target, share, penalty)
            if tried_loss <= loss:
                break
            size /= 2
        else:
            return weights
        gain, weights, loss = loss - tried_loss, tried, tried_loss
        if gain <= _TOLERANCE * max(1.0, loss):
            return weights
    return weights


def _loss(weights: Array, design: Array, target: Array, share: Array, penalty: Array) -> float:
    logits = design @ weights
    # log(1 + exp(x)) - target * x, without overflow.
    errors = np.logaddexp(0.0, logits) - target * logits
    return float(share @ errors + 0.5 * penalty @ weights**2)


def _sigmoid(logits: Array) -> Array:
    shares: Array = np.exp(-np.logaddexp(0.0, -logits))
    return shares
