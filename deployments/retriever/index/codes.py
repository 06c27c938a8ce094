"""The signs of vectors as codes of one bit for each number, and in how many bits they differ.

Source: see `vectors`.
"""

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.vectors import Vectors

Code = NDArray[np.uint64]
Distances = NDArray[np.uint16]

_SCANNED_CODES = 32_768
_BYTE_WORDS = 3
"""Words whose differing bits one byte can count."""

_SAMPLED = 32
"""One distance in so many is counted to guess how far the nearest reach."""


def code_words(dimension: int) -> int:
    """Returns how many words of 64 bits the signs of a vector take."""
    return -(-dimension // 64)


def codes_of(vectors: Vectors) -> Code:
    """Returns the signs of vectors as (n, words of 64 bits)."""
    signs = np.packbits(vectors > 0, axis=1)
    codes = np.zeros((len(vectors), 8 * code_words(vectors.shape[1])), dtype=np.uint8)
    codes[:, : signs.shape[1]] = signs
    return codes.view(np.uint64)


def add_distances(codes: Code, code: Code, distances: Distances) -> None:
    """Adds in how many bits each of n codes differs from one: a million of 384 bits in some
    milliseconds.

    Args:
        codes: Shape (words, n): a row for each word.
        code: Shape (words,).
        distances: Shape (n,), to which it is added.
    """
    differing = np.empty(_SCANNED_CODES, dtype=np.uint64)
    counts, sums = np.empty((2, _SCANNED_CODES), dtype=np.uint8)
    # Some at a time, a word after the other: what is counted stays near the processor.
    for first in range(0, len(distances), _SCANNED_CODES):
        own = slice(first, min(first + _SCANNED_CODES, len(distances)))
        size = own.stop - own.start
        for group in range(0, len(code), _BYTE_WORDS):
            for word in range(group, min(group + _BYTE_WORDS, len(code))):
                target = sums if word == group else counts
                np.bitwise_xor(codes[word, own], code[word], differing[:size])
                np.bitwise_count(differing[:size], target[:size])
                if word != group:
                    np.add(sums[:size], counts[:size], sums[:size])
            distances[own] += sums[:size]


def nearest_of(distances: Distances, count: int) -> NDArray[np.int64]:
    """Returns the ascending places of at least `count` distances, of which none is above any that
    is left out; of all, where there are fewer."""
    # What some of them say of all is mostly enough, and then few are counted.
    guess = _smallest(distances[::_SAMPLED], 2 * count // _SAMPLED + _SAMPLED)
    near = np.flatnonzero(distances <= guess)
    if len(near) < count:
        return np.flatnonzero(distances <= _smallest(distances, count))
    found = distances[near]
    return near[found <= _smallest(found, count)]


def _smallest(distances: Distances, count: int) -> int:
    """Returns the distance that at least `count` of them do not exceed."""
    return int(np.searchsorted(np.cumsum(np.bincount(distances)), count))
