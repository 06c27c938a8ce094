"""Evidence as JSON, so that a database keeps it. Only groups with requests are written."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from deployments.canary.evidence import (
    BUCKETS,
    MAX_BLOCKS,
    TAIL_EDGES,
    Array,
    Evidence,
    Frame,
    Tally,
)


def to_json(evidence: Evidence) -> dict[str, Any]:
    """Returns the evidence as values that JSON knows."""
    frame = evidence.frame
    return {
        "stage": evidence.stage,
        "block_s": evidence.block_s,
        "frame": [frame.level, frame.first, frame.last] if frame else None,
        "requests": dict(evidence.requests),
        "alarms": sorted(evidence.alarms),
        "tallies": {
            arm: {name: _tally_to_json(tally) for name, tally in metrics.items()}
            for arm, metrics in evidence.tallies.items()
        },
    }


def from_json(stored: Mapping[str, Any]) -> Evidence:
    """Returns the evidence that `to_json` wrote."""
    frame = stored["frame"]
    return Evidence(
        stage=stored["stage"],
        block_s=stored["block_s"],
        frame=Frame(*frame) if frame else None,
        tallies={
            arm: {name: _tally_from_json(tally) for name, tally in metrics.items()}
            for arm, metrics in stored["tallies"].items()
        },
        requests=dict(stored["requests"]),
        alarms=frozenset(stored["alarms"]),
    )


def _tally_to_json(tally: Tally) -> dict[str, Any]:
    return {
        "count": tally.count,
        "total": tally.total,
        "squares": tally.squares,
        "missing": tally.missing,
        "tail": tally.buckets.shape[1] > 2,
        "buckets": _sparse(tally.buckets),
        "blocks": _sparse(tally.blocks),
    }


def _tally_from_json(stored: Mapping[str, Any]) -> Tally:
    columns = len(TAIL_EDGES) + 3 if stored["tail"] else 2
    return Tally(
        stored["count"],
        stored["total"],
        stored["squares"],
        stored["missing"],
        _dense(stored["buckets"], BUCKETS, columns),
        _dense(stored["blocks"], MAX_BLOCKS, columns),
    )


def _sparse(sums: Array) -> list[list[Any]]:
    """Returns a row per group with requests: its number, count and total, then each column of the
    tail that is not empty, and its count."""
    rows: list[list[Any]] = []
    for group in np.flatnonzero(sums[:, 0]).tolist():
        count, total = sums[group, :2].tolist()
        row = [group, int(count), total]
        for column in np.flatnonzero(sums[group, 2:]).tolist():
            row += [column, int(sums[group, 2 + column])]
        rows.append(row)
    return rows


def _dense(rows: list[list[Any]], groups: int, columns: int) -> Array:
    sums = np.zeros((groups, columns))
    for group, count, total, *tail in rows:
        sums[group, :2] = count, total
        for column, requests in zip(tail[::2], tail[1::2], strict=True):
            sums[group, 2 + column] = requests
    return sums
