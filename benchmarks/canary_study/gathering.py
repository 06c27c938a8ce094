"""The evidence of a simulated run at each of its looks, gathered for all looks at once."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.canary_study.traffic import LOOK_S, Array, Traffic
from deployments.canary.evidence import (
    ARMS,
    BUCKETS,
    MAX_BLOCKS,
    TAIL_EDGES,
    Arm,
    Evidence,
    Frame,
    Tally,
)
from deployments.canary.metrics import METRICS

Numbers = NDArray[np.int64]

_TAILED = frozenset(metric.source for metric in METRICS.values() if metric.source)


def evidence_by_look(traffic: Traffic, ends: Numbers, *, block_s: float) -> Iterator[Evidence]:
    """Yields what the service's replicas would have gathered and merged until each look.

    Args:
        traffic: The run.
        ends: How many requests had come at each look, not 0.
        block_s: Length of a base block.

    Raises:
        ValueError: Looks are not whole numbers of blocks apart.
    """
    if LOOK_S % block_s:
        raise ValueError(f"looks are {LOOK_S} s apart, no multiple of {block_s} s")
    looks = np.repeat(np.arange(ends.size), np.diff(ends, prepend=0))
    blocks = np.floor(traffic.at_s[: looks.size] / block_s).astype(np.int64)
    first, lasts = int(blocks[0]), blocks[ends - 1].tolist()
    frames = [Frame(0, first, last).fitted() for last in lasts]
    borders = np.array([_borders(*each, first) for each in zip(frames, lasts, strict=True)])
    tallies: dict[Arm, dict[str, Iterator[Tally]]] = {}
    requests: dict[Arm, list[int]] = {}
    for arm in ARMS:
        mine = np.flatnonzero(traffic.canary[: looks.size] == (arm == "canary"))
        groups = looks[mine], traffic.callers[mine] % BUCKETS, blocks[mine] - first
        requests[arm] = np.bincount(looks[mine], minlength=ends.size).cumsum().tolist()
        tallies[arm] = {
            name: _tallies(name, values[mine], groups, borders)
            for name, values in traffic.values.items()
        }
    for look, frame in enumerate(frames):
        known = {arm: {name: next(each) for name, each in tallies[arm].items()} for arm in ARMS}
        counts = {arm: requests[arm][look] for arm in ARMS}
        yield Evidence(0, block_s, frame, known, counts)


def _tallies(
    name: str, values: Array, groups: tuple[Numbers, Numbers, Numbers], borders: Numbers
) -> Iterator[Tally]:
    """Yields what is known of a metric at each look.

    Args:
        name: The metric.
        values: NaN where a request has none.
        groups: Look, bucket and base block of each request.
        borders: By look, where the blocks of its frame begin and end.
    """
    looks = len(borders)
    without_value = np.isnan(values)
    if METRICS[name].is_rating:
        without_value[:] = False  # nobody misses what nobody says
    missing = np.bincount(groups[0][without_value], minlength=looks).cumsum().tolist()
    usable = np.flatnonzero(np.isfinite(values))
    kept = values[usable]
    at, callers, blocks = (each[usable] for each in groups)
    bins = np.searchsorted(TAIL_EDGES, kept) if name in _TAILED else None
    if METRICS[name].kind == "geometric_mean":
        kept = np.log(np.maximum(kept, METRICS[name].floor))
    so_far = [
        np.bincount(at, weights=weights, minlength=looks).cumsum().tolist()
        for weights in (None, kept, kept * kept)
    ]
    until = np.zeros((int(borders.max()) + 1, 2 if bins is None else len(TAIL_EDGES) + 3))
    _add(until, blocks + 1, kept, bins)
    until = until.cumsum(axis=0)
    sums: Iterator[tuple[Array, Array]]
    if bins is None:
        in_frame = until[borders]
        sums = zip(
            _by_caller(at, callers, kept, looks), in_frame[:, 1:] - in_frame[:, :-1], strict=True
        )
    else:
        # Of so many columns all looks at once are more than a processor's cache holds.
        sums = zip(
            _tails_by_caller(at, callers, kept, bins, looks),
            (until[each[1:]] - until[each[:-1]] for each in borders),
            strict=True,
        )
    each_look = zip(*so_far, missing, sums, strict=True)
    for count, total, squares, without, (by_caller, by_block) in each_look:
        yield Tally(count, total, squares, without, by_caller, by_block)


def _by_caller(at: Numbers, callers: Numbers, values: Array, looks: int) -> Array:
    """Returns count and total by look and bucket."""
    sums = np.zeros((looks * BUCKETS, 2))
    _add(sums, at * BUCKETS + callers, values, None)
    by_look = sums.reshape(looks, BUCKETS, 2)
    for before, after in pairwise(by_look):
        after += before
    return by_look


def _tails_by_caller(
    at: Numbers, callers: Numbers, values: Array, bins: Numbers, looks: int
) -> Iterator[Array]:
    """Yields the same and the tail, look by look."""
    columns = len(TAIL_EDGES) + 3
    ones = np.ones(bins.size, dtype=np.int64)
    cells = callers[:, None] * columns + np.column_stack([0 * ones, ones, bins + 2])
    added = np.column_stack([ones, values, ones])
    ends = np.searchsorted(at, np.arange(looks + 1))
    sums = np.zeros((BUCKETS, columns))
    for begin, end in pairwise(ends.tolist()):
        sums = sums.copy()
        np.add.at(sums.reshape(-1), cells[begin:end].reshape(-1), added[begin:end].reshape(-1))
        yield sums


def _borders(frame: Frame, last: int, first: int) -> Numbers:
    """Returns where the blocks of a frame begin and end, in base blocks since the first one."""
    borders = (frame.first + np.arange(MAX_BLOCKS + 1)) << frame.level
    return np.clip(borders, first, last + 1) - first


def _add(sums: Array, groups: Numbers, values: Array, bins: Numbers | None) -> None:
    """Adds requests to the count and the total of their groups, and to the tail."""
    sums[:, 0] = np.bincount(groups, minlength=len(sums))
    sums[:, 1] = np.bincount(groups, weights=values, minlength=len(sums))
    if bins is not None:
        np.add.at(sums.reshape(-1), groups * sums.shape[1] + bins + 2, 1.0)
