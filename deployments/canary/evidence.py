"""What is known of both arms: sums that add up, whoever gathered them and in whichever order.

Requests of one caller resemble each other, and so do requests of one minute. So every sum is kept
by caller and by time: a caller falls into one of 128 buckets by the hash of its sticky key, and
time is cut into at most 64 blocks of equal length, which double when they no longer suffice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Arm = Literal["canary", "baseline"]

ARMS: tuple[Arm, Arm] = ("canary", "baseline")
BUCKETS = 128
MAX_BLOCKS = 64
"""A power of two, so that blocks join in pairs."""
TAIL_EDGES: Array = 2.0 ** (np.arange(40) / 2.0)
"""Thresholds of tails in milliseconds, from 1 ms to 12 minutes, each 41 % above the one before: in
every distribution of times one of them is exceeded by about every twentieth request."""

_COLUMNS = np.arange(len(TAIL_EDGES) + 3)
_BEYOND: Array = np.stack(
    [np.column_stack([_COLUMNS == 0, edge + 3 <= _COLUMNS]) for edge in range(len(TAIL_EDGES))]
).astype(float)
"""By threshold: turns the columns of a group into its count, and its requests beyond."""
_ONE_EACH: Array = np.ones(MAX_BLOCKS)


@dataclass(frozen=True, slots=True)
class Frame:
    """Which times the blocks stand for: `first` to `last`, each 2^level base blocks long."""

    level: int
    first: int
    last: int

    def widened(self, other: "Frame") -> "Frame":
        """Returns the finest frame that holds both."""
        level = max(self.level, other.level)
        first = min(frame.first >> (level - frame.level) for frame in (self, other))
        last = max(frame.last >> (level - frame.level) for frame in (self, other))
        return Frame(level, first, last).fitted()

    def fitted(self) -> "Frame":
        """Returns the finest frame of the same times that has room for its blocks."""
        coarser = 0
        while (self.last >> coarser) - (self.first >> coarser) >= MAX_BLOCKS:
            coarser += 1
        return Frame(self.level + coarser, self.first >> coarser, self.last >> coarser)

    def holding(self, blocks: Array, finer: "Frame") -> Array:
        """Returns the sums of blocks of a finer or equal frame, in the places of this one."""
        held = np.zeros_like(blocks)
        count = finer.last - finer.first + 1
        places = ((np.arange(count) + finer.first) >> (self.level - finer.level)) - self.first
        if self.level == finer.level:
            held[places] = blocks[:count]
        else:
            np.add.at(held, places, blocks[:count])
        return held


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """One metric of one arm.

    Args:
        count: Requests with a value.
        total: Sum of the values, as they are kept: logarithms of times.
        squares: Sum of their squares.
        missing: Requests without a value, or with one that is no number.
        buckets: By bucket of callers (rows): count, total, and the requests between any two
            thresholds of the tail, for a metric that has one.
        blocks: The same by block of time.
    """

    count: int
    total: float
    squares: float
    missing: int
    buckets: Array
    blocks: Array

    @property
    def mean(self) -> float:
        """The mean of the values; there must be some."""
        return self.total / self.count

    @property
    def variance(self) -> float:
        """The variance of the values, as if all were independent."""
        return max(self.squares / self.count - self.mean**2, 0.0)

    @property
    def tail(self) -> Array:
        """Requests between any two thresholds."""
        tail: Array = _ONE_EACH @ self.blocks[:, 2:]
        return tail

    def beyond(self, edge: int) -> "Tally":
        """Returns the same requests with the value 1 where they exceeded a threshold, else 0."""
        buckets, blocks = self.buckets @ _BEYOND[edge], self.blocks @ _BEYOND[edge]
        events = float(_ONE_EACH @ blocks[:, 1])
        return Tally(self.count, events, events, self.missing, buckets, blocks)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.count + other.count,
            self.total + other.total,
            self.squares + other.squares,
            self.missing + other.missing,
            self.buckets + other.buckets,
            self.blocks + other.blocks,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known of one stage of a rollout.

    Args:
        stage: The stage's number. Evidence of another one is never counted.
        block_s: Length of a base block in seconds.
        frame: Which times the blocks stand for; None as long as there is nothing.
        tallies: By arm and metric; what is not there was not measured.
        requests: Requests per arm, with and without values.
        alarms: What stops a canary at once, in words, such as an application that does not run.
    """

    stage: int
    block_s: float
    frame: Frame | None = None
    tallies: Mapping[Arm, Mapping[str, Tally]] = field(default_factory=dict)
    requests: Mapping[Arm, int] = field(default_factory=dict)
    alarms: frozenset[str] = frozenset()

    def tally(self, arm: Arm, metric: str) -> Tally | None:
        """Returns what is known of a metric in an arm, or None."""
        return self.tallies.get(arm, {}).get(metric)

    def with_alarms(self, *alarms: str) -> "Evidence":
        """Returns the same evidence with more alarms."""
        return replace(self, alarms=self.alarms | frozenset(alarms))


def merge(first: Evidence, second: Evidence) -> Evidence:
    """Returns the evidence of both. The order and the grouping of merges make no difference.

    Raises:
        ValueError: They are of two stages, or their blocks have two lengths.
    """
    if (first.stage, first.block_s) != (second.stage, second.block_s):
        raise ValueError("evidence of two stages, or of blocks of two lengths, does not add up")
    frame = first.frame or second.frame
    if first.frame and second.frame:
        frame = first.frame.widened(second.frame)
    tallies: dict[Arm, dict[str, Tally]] = {}
    for side in (first, second):
        for arm, metrics in side.tallies.items():
            known = tallies.setdefault(arm, {})
            for name, tally in metrics.items():
                if frame and side.frame and frame != side.frame:
                    tally = replace(tally, blocks=frame.holding(tally.blocks, side.frame))
                known[name] = known[name] + tally if name in known else tally
    requests = {
        arm: first.requests.get(arm, 0) + second.requests.get(arm, 0)
        for arm in ARMS
        if arm in first.requests or arm in second.requests
    }
    return Evidence(
        first.stage, first.block_s, frame, tallies, requests, first.alarms | second.alarms
    )
