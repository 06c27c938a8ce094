"""The vectors of an index while it changes, and the nearest ones to a query.

A search takes two steps. The signs of a vector's numbers are a code of one bit each, and the share
of bits in which two codes differ grows with the angle between the vectors: a look at all codes
finds some thousands that are likely. Of those alone the cosines are computed, exactly. Of 100,000
vectors with 384 numbers the codes are 5 MB and the look at them takes half a millisecond; there is
no graph to build, and a vector that is taken out leaves nothing behind.

Source: Charikar, Similarity Estimation Techniques from Rounding Algorithms, STOC 2002, section 3;
Yamada et al., Efficient Passage Retrieval with Hashing for Open-domain Question Answering, 2021,
for the two steps.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.errors import StageFailed
from deployments.contracts.vectors import Vectors
from deployments.retriever.index.codes import Code, add_distances, code_words, codes_of, nearest_of

BLOCK_SLOTS = 65_536
"""Vectors that lie together. The system gives a block its memory as it fills."""

SPARE_SLOTS = 4_096
"""Vectors that are gone and keep their place, beside as many as are there."""

LIKELY = 2_000
"""Vectors whose cosines are computed: of 100,000 mixtures of sentences all but 1.5 % of the true
first ten were among them, of true sentences more."""

_LIKELY_PER_HIT = 20
"""Where many hits are wanted, so many are likely for each."""

_VECTORS_PER_LIKELY = 125
"""Where there are very many vectors, so many of them are likely: the codes alone tell less."""

_COPIED_SLOTS = 256
_SPARSE = 8
"""The codes of some vectors are read one by one where those are less than one in so many."""

_BEYOND_ALL = 2**15

_COSINE_DIGITS = 6
"""Equal vectors have equal cosines: the digits beyond depend on where in memory they lie."""

Numbers = NDArray[np.int64]


class _Block:
    """Vectors in order of their numbers. A slot is written once; readers see those that were
    written when they began."""

    def __init__(self, dimension: int) -> None:
        self.vectors: Vectors = np.empty((BLOCK_SLOTS, dimension), dtype=np.float32)
        # A row for each word of the code: a look at all codes reads them one after the other.
        self.codes: Code = np.empty((code_words(dimension), BLOCK_SLOTS), dtype=np.uint64)
        self.numbers: Numbers = np.empty(BLOCK_SLOTS, dtype=np.int64)
        self.is_gone = np.zeros(BLOCK_SLOTS, dtype=np.bool_)
        self.used = 0

    def fill(self, numbers: Numbers, vectors: Vectors) -> int:
        """Takes as many as there is room for, and returns how many."""
        taken = min(len(numbers), BLOCK_SLOTS - self.used)
        slots = slice(self.used, self.used + taken)
        self.vectors[slots] = vectors[:taken]
        self.codes[:, slots] = codes_of(vectors[:taken]).T
        self.numbers[slots] = numbers[:taken]
        self.used += taken
        return taken


class Block(Protocol):
    """Vectors of length 1 with their codes, in the order of their numbers; see `_Block`."""

    @property
    def vectors(self) -> Vectors:
        """(n, dim)."""
        ...

    @property
    def codes(self) -> Code:
        """(words of 64 bits, n)."""
        ...

    @property
    def numbers(self) -> Numbers:
        """(n,), ascending."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """What a view sees of a block: its first `used` slots, without those that are gone, if any
    are."""

    block: Block
    used: int
    is_gone: NDArray[np.bool_] | None


class VectorTable:
    """Takes vectors in and out. One thread at a time may change it; its views stay as they are."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._there = 0

    def add(self, numbers: Sequence[int], vectors: Vectors) -> None:
        """Adds vectors of shape (n, dim) and any length, under numbers above all former ones."""
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        self._append(np.asarray(numbers, dtype=np.int64), vectors / np.maximum(norms, 1e-12))
        self._there += len(numbers)

    def remove(self, numbers: Iterable[int]) -> None:
        """Removes vectors; a number that has none is no error."""
        gone = np.fromiter(numbers, dtype=np.int64)
        for block in self._blocks:
            slots, is_there = _find(block.numbers[: block.used], gone)
            slots = slots[is_there]
            self._there -= int(np.count_nonzero(~block.is_gone[slots]))
            block.is_gone[slots] = True

    def view(self) -> "VectorView":
        """Returns the vectors as they are."""
        taken = sum(block.used for block in self._blocks)
        if taken > 2 * self._there + SPARE_SLOTS:
            self._compact()
        return VectorView(
            [Seen(block, block.used, block.is_gone[: block.used].copy()) for block in self._blocks]
        )

    def _append(self, numbers: Numbers, vectors: Vectors) -> None:
        while len(numbers):
            if not self._blocks or self._blocks[-1].used == BLOCK_SLOTS:
                self._blocks.append(_Block(vectors.shape[1]))
            taken = self._blocks[-1].fill(numbers, vectors)
            numbers, vectors = numbers[taken:], vectors[taken:]

    def _compact(self) -> None:
        """Writes what is there into new blocks; views keep the former ones."""
        former, self._blocks = self._blocks, []
        for block in former:
            there = np.flatnonzero(~block.is_gone[: block.used])
            self._append(block.numbers[there], block.vectors[there])


class VectorView:
    """The vectors of one moment. Safe to share between threads.

    Args:
        seen: Blocks in the order of their numbers.
    """

    def __init__(self, seen: Sequence[Seen]) -> None:
        self.seen = tuple(one for one in seen if one.used)
        self._used = sum(one.used for one in self.seen)
        self._count = self._used - sum(
            int(np.count_nonzero(one.is_gone)) for one in self.seen if one.is_gone is not None
        )

    def nearest(
        self, vector: Vectors, top_k: int, among: Numbers | None = None
    ) -> tuple[Numbers, Vectors]:
        """Returns numbers and cosines of the nearest vectors, in no order: at least `top_k` where
        there are so many, and all that are as near as the last of them.

        Args:
            vector: Shape (dim,), any length.
            top_k: How many.
            among: Numbers that may be returned; None for all.

        Raises:
            StageFailed: The vectors here have another dimension.
        """
        likely = max(LIKELY, _LIKELY_PER_HIT * top_k, self._count // _VECTORS_PER_LIKELY)
        slots = self._likely(vector, likely, None if among is None else self._slots(among))
        cosines = self._cosines(slots, vector)
        if len(slots) > top_k:
            best = cosines >= np.partition(cosines, -top_k)[-top_k]
            slots, cosines = slots[best], cosines[best]
        return self._numbers(slots), cosines

    def cosines(self, numbers: Numbers, vector: Vectors) -> Vectors:
        """Returns the cosines of vectors that are here, in the order of their numbers, which
        ascend."""
        return self._cosines(self._slots(numbers), vector)

    def vectors(self, numbers: Numbers) -> Vectors:
        """Returns vectors that are here, (n, dim), in the order of their numbers, which ascend."""
        slots = self._slots(numbers)
        parts = [np.take(one.block.vectors, own, axis=0) for one, own in self._divided(slots)]
        return np.concatenate(parts) if parts else np.empty((0, 0), dtype=np.float32)

    def _likely(self, vector: Vectors, likely: int, among: Numbers | None) -> Numbers:
        """Returns the slots of vectors, all or those that are likely the nearest of them."""
        if (self._count if among is None else len(among)) <= likely:
            return self._there() if among is None else among
        self._check(vector)
        code = codes_of(vector[None, :])[0]
        if among is not None and len(among) * _SPARSE < self._used:
            distances = self._distances_of(among, code)
        else:
            distances = self._distances(code)
            if among is not None:
                distances = distances[among]
        near = nearest_of(distances, likely)
        return near if among is None else among[near]

    def _there(self) -> Numbers:
        """Returns the slots that are taken, counted over all blocks."""
        parts, start = [np.empty(0, dtype=np.int64)], 0
        for one in self.seen:
            own = np.arange(one.used) if one.is_gone is None else np.flatnonzero(~one.is_gone)
            parts.append(own + start)
            start += one.used
        return np.concatenate(parts)

    def _cosines(self, slots: Numbers, vector: Vectors) -> Vectors:
        if not len(slots):
            return np.empty(0, dtype=np.float32)
        self._check(vector)
        direction = vector / max(float(np.linalg.norm(vector)), 1e-12)
        # Some at a time: what is copied together stays near the processor.
        parts = [
            np.take(one.block.vectors, own[first : first + _COPIED_SLOTS], axis=0) @ direction
            for one, own in self._divided(slots)
            for first in range(0, len(own), _COPIED_SLOTS)
        ]
        return np.round(np.concatenate(parts), _COSINE_DIGITS)

    def _distances(self, code: Code) -> NDArray[np.uint16]:
        """Returns in how many bits each slot's code differs; those that are gone are beyond all."""
        distances = np.zeros(self._used, dtype=np.uint16)
        start = 0
        for one in self.seen:
            out = distances[start : start + one.used]
            add_distances(one.block.codes[:, : one.used], code, out)
            if one.is_gone is not None:
                out[one.is_gone] = _BEYOND_ALL
            start += one.used
        return distances

    def _distances_of(self, slots: Numbers, code: Code) -> NDArray[np.uint16]:
        """Returns the same of some slots."""
        parts = [
            np.bitwise_count(one.block.codes[:, own] ^ code[:, None]).sum(axis=0, dtype=np.uint16)
            for one, own in self._divided(slots)
        ]
        return np.concatenate(parts)

    def _slots(self, numbers: Numbers) -> Numbers:
        """Returns the slots of those ascending numbers that are here."""
        parts, start = [np.empty(0, dtype=np.int64)], 0
        for one in self.seen:
            own = one.block.numbers[: one.used]
            first, end = np.searchsorted(numbers, (own[0], own[-1] + 1))
            slots, is_there = _find(own, numbers[first:end])
            slots = slots[is_there]
            if one.is_gone is not None:
                slots = slots[~one.is_gone[slots]]
            parts.append(slots + start)
            start += one.used
        return np.concatenate(parts)

    def _numbers(self, slots: Numbers) -> Numbers:
        parts = [one.block.numbers[own] for one, own in self._divided(slots)]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def _divided(self, slots: Numbers) -> Iterator[tuple[Seen, Numbers]]:
        """Yields each block with those of the ascending slots that are its own, counted in it."""
        start = 0
        for one in self.seen:
            first, end = np.searchsorted(slots, (start, start + one.used))
            yield one, slots[first:end] - start
            start += one.used

    def _check(self, vector: Vectors) -> None:
        if self.seen and self.seen[0].block.vectors.shape[1] != len(vector):
            raise StageFailed(
                "The collection holds vectors of another embedding model.", "retriever"
            )


def _find(ordered: Numbers, wanted: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """Returns where the wanted numbers would stand among ordered ones, and whether they do."""
    if not len(ordered):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=np.bool_)
    places = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return places, ordered[places] == wanted
