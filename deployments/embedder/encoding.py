"""What the embedder makes of a batch: vectors of texts, and of their tokens where wanted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.vectors import TokenVectors
from deployments.encoding.encoder import Encoder
from deployments.encoding.quantization import quantize


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text on its way through the model."""

    ids: list[int]
    with_tokens: bool = False


@dataclass(frozen=True, slots=True)
class Encoded:
    """The vector of a text, shape (dim,), and those of its tokens, where they were wanted."""

    vector: NDArray[np.float32]
    tokens: TokenVectors | None = None


def encode(encoder: Encoder, batch: Sequence[Tokens]) -> list[Encoded]:
    """Returns what one run of the model says of each text."""
    ids = [text.ids for text in batch]
    if not any(text.with_tokens for text in batch):
        return [Encoded(vector) for vector in encoder.encode(ids)]
    vectors, tokens = encoder.encode_both(ids)
    return [
        Encoded(vector, quantize(exact) if text.with_tokens else None)
        for text, vector, exact in zip(batch, vectors, tokens, strict=True)
    ]
