"""Whether two contenders give the same answers: without that, their speed does not compare."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def lowest_cosine(vectors: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """Returns the lowest cosine of a row with the row of the reference in its place.

    Args:
        vectors: (n, dim), n > 0; need not be normalised.
        reference: (n, dim).

    Raises:
        ValueError: the shapes differ.
    """
    if vectors.shape != reference.shape:
        raise ValueError(f"vectors of shape {vectors.shape}, not {reference.shape}")
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(reference, axis=1)
    return float(((vectors * reference).sum(axis=1) / norms).min())


def compare_rankings(ours: Sequence[Sequence[str]], theirs: Sequence[Sequence[str]]) -> Any:
    """Returns how alike two lists of rankings are, one ranking per query, best first.

    `same_order` is the share of queries with the same ids in the same order, `same_set` with the
    same ids in any order, and `same_first` with the same first id; `mean_overlap` is the mean
    share of ids that both have (the size of the intersection over that of the longer ranking).
    Two empty rankings are the same.
    """
    pairs = list(zip(ours, theirs, strict=True))
    return {
        "queries": len(pairs),
        "same_order": _share([list(a) == list(b) for a, b in pairs]),
        "same_set": _share([set(a) == set(b) for a, b in pairs]),
        "same_first": _share([list(a[:1]) == list(b[:1]) for a, b in pairs]),
        "mean_overlap": _share([_overlap(a, b) for a, b in pairs]),
    }


def share_equal(ours: Sequence[object], theirs: Sequence[object]) -> float:
    """Returns the share of places with equal values."""
    return _share([a == b for a, b in zip(ours, theirs, strict=True)])


def _overlap(a: Sequence[str], b: Sequence[str]) -> float:
    longer = max(len(a), len(b))
    return len(set(a) & set(b)) / longer if longer else 1.0


def _share(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4) if values else 0.0
