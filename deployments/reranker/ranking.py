"""Late interaction: how well the tokens of a passage cover the tokens of a query."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.vectors import TokenVectors

MINOR_WEIGHT = 0.25
"""What a stop word or a punctuation mark of a query counts beside any other token: some passage
always has one. First hit on SQuAD 2.0 .879 with it, .870 without."""


def max_sim(
    query: NDArray[np.float32],
    passages: Iterable[TokenVectors],
    weights: NDArray[np.float32] | None = None,
) -> list[float]:
    """Returns for each passage the mean over query tokens of the best cosine with any of its
    tokens, in [-1, 1].

    The mean, instead of the sum, makes scores of queries of different length comparable.

    Args:
        query: (query tokens, dim), rows L2-normalised.
        passages: Of rows that were L2-normalised.
        weights: (query tokens,), how much each counts in the mean, above 0; None counts all alike.

    Source: Khattab and Zaharia, ColBERT, SIGIR 2020, section 3.3.
    """
    shares = np.ones(len(query), dtype=np.float32) if weights is None else weights
    shares = shares / shares.sum()
    scores = []
    for passage in passages:
        # The long side first: for the same product the other way round numpy takes twice the time.
        cosines = passage.codes.astype(np.float32) @ query.T
        cosines *= passage.scales[:, None]
        scores.append(float(cosines.max(axis=0) @ shares))
    return scores
