"""From the outcomes of requests to evidence: what an ingress replica does about once a second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployments.canary.evidence import (
    ARMS,
    BUCKETS,
    MAX_BLOCKS,
    TAIL_EDGES,
    Arm,
    Array,
    Evidence,
    Frame,
    Tally,
)
from deployments.canary.metrics import METRICS

_LARGEST = 1e15
"""No time, count or cost is larger; the squares of some of them still add up."""
_TAILED = frozenset(metric.source for metric in METRICS.values() if metric.source)


def bucket_of(sticky_key: str) -> int:
    """Returns the bucket of a caller; it has nothing to do with the arm of the caller."""
    keyed = f"bucket\0{sticky_key}".encode(errors="surrogatepass")
    digest = blake2b(keyed, digest_size=4).digest()
    return int.from_bytes(digest) % BUCKETS


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Requests of one arm, one element of each array per request.

    Args:
        at_s: When they ended, in seconds since the epoch.
        buckets: See `bucket_of`.
        values: By metric; NaN where a request has no value.
    """

    at_s: ArrayLike
    buckets: ArrayLike
    values: Mapping[str, ArrayLike]


def gather(
    arms: Mapping[Arm, Outcomes], *, stage: int, block_s: float, pairs: Outcomes | None = None
) -> Evidence:
    """Returns the evidence in the outcomes.

    Args:
        arms: The requests of each arm.
        stage: The stage of the rollout in which all of them began.
        block_s: Length of a base block.
        pairs: Scores of shadow pairs; they are evidence of the canary, but no requests of it.
    """
    sources = [(arm, arms[arm]) for arm in ARMS if arm in arms and np.size(arms[arm].at_s)]
    requests = {arm: np.size(outcomes.at_s) for arm, outcomes in sources}
    if pairs is not None and np.size(pairs.at_s):
        sources.append(("canary", pairs))
    if not sources:
        return Evidence(stage, block_s)
    numbers = [
        np.floor(np.asarray(outcomes.at_s) / block_s).astype(np.int64) for _, outcomes in sources
    ]
    first, last = min(each.min() for each in numbers), max(each.max() for each in numbers)
    frame = Frame(0, int(first), int(last)).fitted()
    tallies: dict[Arm, dict[str, Tally]] = {}
    for (arm, outcomes), blocks in zip(sources, numbers, strict=True):
        places = (blocks >> frame.level) - frame.first
        buckets = np.asarray(outcomes.buckets, dtype=np.int64)
        found = tallies.setdefault(arm, {})
        for name, values in outcomes.values.items():
            found[name] = _tally(name, np.asarray(values, dtype=float), buckets, places)
    return Evidence(stage, block_s, frame, tallies, requests)


def _tally(
    name: str, values: Array, buckets: NDArray[np.int64], places: NDArray[np.int64]
) -> Tally:
    """Returns the sums of one metric; what is no number of its kind counts as missing."""
    metric = METRICS[name]
    usable = (values >= 0.0) & (values <= (1.0 if metric.kind in ("share", "pair") else _LARGEST))
    kept = values[usable]
    bins = np.searchsorted(TAIL_EDGES, kept) if name in _TAILED else None
    if metric.kind == "geometric_mean":
        kept = np.log(np.maximum(kept, metric.floor))
    return Tally(
        count=kept.size,
        total=float(kept.sum()),
        squares=float(kept @ kept),
        missing=values.size - kept.size,
        buckets=_sums(buckets[usable], kept, bins, BUCKETS),
        blocks=_sums(places[usable], kept, bins, MAX_BLOCKS),
    )


def _sums(
    groups: NDArray[np.int64], values: Array, bins: NDArray[np.int64] | None, size: int
) -> Array:
    counts = np.bincount(groups, minlength=size)
    totals = np.bincount(groups, weights=values, minlength=size)
    if bins is None:
        return np.column_stack([counts, totals])
    columns = len(TAIL_EDGES) + 1
    cells = np.bincount(groups * columns + bins, minlength=size * columns)
    return np.column_stack([counts, totals, cells.reshape(size, columns)])


class Recorder:
    """Collects outcomes in one process between two messages.

    Args:
        stage: The stage of the rollout.
        counted_from_s: Outcomes before it are dropped: the canary is still warming up.
        metrics: What is recorded; see `METRICS`.
        block_s: Length of a base block.
    """

    def __init__(
        self, *, stage: int, counted_from_s: float, metrics: Sequence[str], block_s: float
    ) -> None:
        self._stage = stage
        self._counted_from_s = counted_from_s
        self._metrics = tuple(metrics)
        self._block_s = block_s
        self._rows: dict[str, list[tuple[float, int, list[float]]]] = {}

    def observe(
        self, arm: Arm, *, sticky_key: str, at_s: float, values: Mapping[str, float | None]
    ) -> None:
        """Notes a request's outcome. A metric that is not there or None counts as missing."""
        self._note(arm, sticky_key, at_s, values)

    def observe_pair(
        self, *, sticky_key: str, at_s: float, values: Mapping[str, float | None]
    ) -> None:
        """Notes the scores of a shadow pair."""
        self._note("pairs", sticky_key, at_s, values)

    def drain(self) -> Evidence:
        """Returns the evidence since the last call, and forgets it."""
        rows, self._rows = self._rows, {}
        pairs = rows.pop("pairs", None)
        arms = {arm: self._outcomes(rows[arm], pairs=False) for arm in ARMS if arm in rows}
        return gather(
            arms,
            stage=self._stage,
            block_s=self._block_s,
            pairs=None if pairs is None else self._outcomes(pairs, pairs=True),
        )

    def _note(
        self, place: str, sticky_key: str, at_s: float, values: Mapping[str, float | None]
    ) -> None:
        if at_s < self._counted_from_s:
            return
        numbers = [
            float("nan") if (value := values.get(name)) is None else float(value)
            for name in self._metrics
        ]
        self._rows.setdefault(place, []).append((at_s, bucket_of(sticky_key), numbers))

    def _outcomes(self, rows: list[tuple[float, int, list[float]]], *, pairs: bool) -> Outcomes:
        at_s, buckets, values = zip(*rows, strict=True)
        columns = dict(zip(self._metrics, np.array(values).T, strict=True))
        kept = {
            name: column
            for name, column in columns.items()
            if (METRICS[name].kind == "pair") == pairs
        }
        return Outcomes(at_s, buckets, kept)
