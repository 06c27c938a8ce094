"""Fuses rankings of the same chunks into one: values in, values out.

Every function returns chunk ids with their fused scores, by descending score, ties by chunk id.
"""

import math
from collections.abc import Callable, Mapping, Sequence

Scores = Mapping[str, float]
"""What one way of searching found: score by chunk id, finite, higher is better."""

Normalize = Callable[[Scores], dict[str, float]]

RRF_K = 60
"""Source: Cormack, Clarke and Buettcher, Reciprocal Rank Fusion Outperforms Condorcet and
Individual Rank Learning Methods, SIGIR 2009."""


def fuse_scores(
    found: Sequence[Scores], weights: Sequence[float], *, normalize: Normalize
) -> list[tuple[str, float]]:
    """Returns the weighted sum of normalised scores. What one search did not find counts there as
    its worst hit did: how much worse it is, nobody has measured.

    Source: Bruch, Gai and Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, ACM
    Transactions on Information Systems 42, 2023, section 3.
    """
    fused: dict[str, float] = dict.fromkeys(
        sorted({score for scores in found for score in scores}), 0.0
    )
    for scores, weight in zip(found, weights, strict=True):
        normalized = normalize(scores)
        worst = min(normalized.values(), default=0.0)
        for one in fused:
            fused[one] += weight * normalized.get(one, worst)
    return _ordered(fused)


def fuse_hybrid(
    cosines: Scores, worded: Scores, *, depth: int, dense_weight: float
) -> list[tuple[str, float]]:
    """Returns what searches by meaning and by words found of one query.

    Args:
        cosines: Of all chunks that either found.
        worded: BM25 of those that words found.
        depth: How many each was asked for.
        dense_weight: Weight of the cosines; words have the rest.
    """
    if len(worded) < depth:
        # All chunks with words of the query are there: the others have none.
        worded = {**dict.fromkeys(cosines, 0.0), **worded}
    return fuse_scores([cosines, worded], [dense_weight, 1.0 - dense_weight], normalize=top_scaled)


def fuse_ranks(
    found: Sequence[Scores], weights: Sequence[float], *, k: int = RRF_K
) -> list[tuple[str, float]]:
    """Returns the weighted sum of 1 / (k + rank), rank counting from 1; equal scores share the
    better rank, so that the order of equal hits changes nothing."""
    fused: dict[str, float] = {}
    for scores, weight in zip(found, weights, strict=True):
        for one, rank in _ranks(scores).items():
            fused[one] = fused.get(one, 0.0) + weight / (k + rank)
    return _ordered(fused)


def min_max(scores: Scores) -> dict[str, float]:
    """Returns the scores scaled so that the worst is 0 and the best 1; all 1 where they are
    equal."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if low == high:
        return dict.fromkeys(scores, 1.0)
    return {one: (score - low) / (high - low) for one, score in scores.items()}


def top_scaled(scores: Scores) -> dict[str, float]:
    """Returns the scores as shares of the best one, for scores whose zero means that nothing fits;
    what is below zero is 0.

    Unlike `min_max` it does not depend on how many were found: the worst of fifty good hits is not
    worth nothing. On SQuAD 2.0 and Cranfield it fuses better (nDCG@10 +.011 and +.014).
    """
    best = max(scores.values(), default=0.0)
    if best <= 0:
        return dict.fromkeys(scores, 0.0)
    return {one: max(score, 0.0) / best for one, score in scores.items()}


def _ranks(scores: Scores) -> dict[str, int]:
    ranks: dict[str, int] = {}
    rank, former = 0, math.nan
    for place, (one, score) in enumerate(_ordered(scores), start=1):
        if score != former:
            rank, former = place, score
        ranks[one] = rank
    return ranks


def _ordered(scores: Scores) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
