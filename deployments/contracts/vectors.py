"""How vectors travel between stages. Apart from the other contracts, so that what only names
documents, such as a client of the service, does not load numpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.pickling import pickled_by_fields

Vectors = NDArray[np.float32]
"""(n, dim) float32, rows L2-normalised; n texts, dim the size of an embedding."""


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The token vectors of a text in one byte per dimension: `codes` (tokens, dim) int8, times
    `scales` (tokens,) float32.

    The largest value of each token maps to 127, so that a value is off by at most half a step, and
    a cosine by a few thousandths.
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]

    @property
    def tokens(self) -> int:
        return len(self.scales)

    def dequantized(self) -> NDArray[np.float32]:
        """Returns the vectors, (tokens, dim)."""
        return self.codes.astype(np.float32) * self.scales[:, None]

    @property
    def size_bytes(self) -> int:
        return self.codes.nbytes + self.scales.nbytes


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class QuestionTokens:
    """A question as a model read it, for whoever has the same model: `model_digest` tells it from
    every other, of the same name included."""

    text: str
    token_ids: tuple[int, ...]
    vectors: TokenVectors
    model_digest: str
