"""Late interaction: how well the tokens of a passage cover the tokens of a query."""

import numpy as np
from numpy.typing import NDArray


def max_sim(query: NDArray[np.float32], passage: NDArray[np.float32]) -> float:
    """Returns the mean over query tokens of the best cosine with any passage token, in [-1, 1].

    The mean, instead of the sum, makes scores of queries of different length comparable.

    Args:
        query: (query tokens, dim), rows L2-normalised.
        passage: (passage tokens, dim), rows L2-normalised.

    Source: Khattab and Zaharia, ColBERT, SIGIR 2020, section 3.3.
    """
    return float((query @ passage.T).max(axis=1).mean())
