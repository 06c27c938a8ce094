"""Quantiles of a stream in bounded memory: values are counted in bins that grow by a constant
factor. Sketches of several processes add up to the sketch of all their values.

Source: Masson, Rim and Lee, DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
Relative-Error Guarantees, PVLDB 12(12), 2019, section 2.
"""

import math
from collections.abc import Mapping
from typing import Any

RELATIVE_ERROR = 0.01
"""A quantile differs from a value of the stream by no more than this share of it."""
SMALLEST, LARGEST = 1e-3, 1e12
"""The guarantee holds between them; other values count as the nearer one, those up to 0 as 0."""
_FACTOR = (1.0 + RELATIVE_ERROR) / (1.0 - RELATIVE_ERROR)
_PER_LOG = 1.0 / math.log(_FACTOR)
_CENTRE = 2.0 / (1.0 + _FACTOR)
_FIRST, _LAST = (math.ceil(math.log(edge) * _PER_LOG) for edge in (SMALLEST, LARGEST))


class Sketch:
    """Counts of values by bin; at most 1,730 bins."""

    __slots__ = ("_bins", "_zeros")

    def __init__(self) -> None:
        self._bins: dict[int, int] = {}
        self._zeros = 0

    @property
    def count(self) -> int:
        """How many values there are."""
        return self._zeros + sum(self._bins.values())

    def add(self, value: float) -> None:
        """Counts a value; one that is no number is left out."""
        if value > 0.0:
            place = math.ceil(math.log(min(max(value, SMALLEST), LARGEST)) * _PER_LOG)
            self._bins[place] = self._bins.get(place, 0) + 1
        elif value <= 0.0:
            self._zeros += 1

    def merge(self, other: "Sketch") -> None:
        """Counts the values of another sketch, too."""
        self._zeros += other._zeros
        for place, count in other._bins.items():
            self._bins[place] = self._bins.get(place, 0) + count

    def quantile(self, share: float) -> float | None:
        """Returns the value that a share of the values, from 0 to 1, does not exceed; None where
        there are none. Of two neighbours it is the lower one."""
        left = math.floor(share * (self.count - 1)) - self._zeros
        if left < 0:
            return 0.0 if self._zeros else None
        for place in sorted(self._bins):
            left -= self._bins[place]
            if left < 0:
                return _CENTRE * _FACTOR**place
        raise ValueError("a share is not above 1")

    def to_json(self) -> dict[str, Any]:
        """Returns the sketch as values that JSON knows: bins and their counts alternate."""
        bins = [number for place in sorted(self._bins) for number in (place, self._bins[place])]
        return {"zeros": self._zeros, "bins": bins}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Sketch":
        """Returns the sketch that `to_json` wrote."""
        sketch = cls()
        sketch._zeros = stored["zeros"]
        bins = stored["bins"]
        sketch._bins = dict(zip(bins[::2], bins[1::2], strict=True))
        return sketch

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sketch):
            return NotImplemented
        return self._zeros == other._zeros and self._bins == other._bins

    __hash__ = None  # type: ignore[assignment]
