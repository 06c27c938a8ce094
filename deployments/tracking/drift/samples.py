"""Sampled queries as arrays, evenly spread over time.

All of a window's hours count alike, and as much in one window as in the other: else the hours of
the day at which most was sampled would be taken for drift.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployments.activity import QuerySample

BLOCKS_OF_CURRENT = 24
"""The current window is cut into so many blocks: hours of a day. Queries of one block may depend on
each other, because a person asks several in a row."""
MAX_SAMPLES = 3000
"""Of both windows together. More would find smaller differences than matter."""

ReadSamples = Callable[[float, float, int], Sequence[QuerySample]]
"""Returns samples between two times, the second excluded, so many at most."""
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Samples:
    """n sampled queries, oldest first.

    Attributes:
        at_s: (n,) seconds since the epoch.
        block: (n,) number of the stretch of time; below zero in the reference window.
        vectors: (n, dim) float32, embeddings of the queries.
        top_score: (n,) score of the best passage; not a number where there is none.
        answer_words: (n,) length of the answer.
        ungrounded: (n,) whether the documents supported no answer.
    """

    at_s: Floats
    block: NDArray[np.int64]
    vectors: NDArray[np.float32]
    top_score: Floats
    answer_words: Floats
    ungrounded: Flags

    @property
    def is_current(self) -> Flags:
        """(n,) whether a query is of the current window."""
        current: Flags = self.block >= 0
        return current

    def __len__(self) -> int:
        return len(self.at_s)


def read_windows(
    read: ReadSamples, *, until_s: float, reference_s: float, current_s: float
) -> Samples:
    """Returns the samples of both windows, as many of each block at most.

    Args:
        read: Where they come from.
        until_s: End of the current window, in seconds since the epoch.
        reference_s: Length of the reference window, which ends where the current one begins.
        current_s: Length of the current window.
    """
    block_s = current_s / BLOCKS_OF_CURRENT
    before = max(round(reference_s / block_s), 1)
    per_block = max(MAX_SAMPLES // (before + BLOCKS_OF_CURRENT), 1)
    begins_s = until_s - current_s
    found: list[tuple[int, QuerySample]] = []
    for block in range(-before, BLOCKS_OF_CURRENT):
        from_s = begins_s + block * block_s
        found += [(block, one) for one in read(from_s, from_s + block_s, per_block)]
    return to_samples(found)


def to_samples(found: Sequence[tuple[int, QuerySample]]) -> Samples:
    """Returns samples as arrays. An embedding of another size than that of the latest one is from
    another model, and cannot be compared: its query is left out."""
    dimension = found[-1][1].dimension if found else 0
    kept = [(block, one) for block, one in found if one.dimension == dimension]
    vectors = [np.frombuffer(one.vector, dtype="<f2") for _, one in kept]
    return Samples(
        at_s=np.array([one.at_s for _, one in kept], dtype=float),
        block=np.array([block for block, _ in kept], dtype=np.int64),
        vectors=np.array(vectors, dtype=np.float32).reshape(len(kept), dimension),
        top_score=np.array(
            [np.nan if one.top_score is None else one.top_score for _, one in kept], dtype=float
        ),
        answer_words=np.array([one.answer_words for _, one in kept], dtype=float),
        ungrounded=np.array([not one.grounded for _, one in kept], dtype=np.bool_),
    )
