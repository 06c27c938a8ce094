"""Searches of an index in memory as its replica does them, for somebody."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, get_args

import numpy as np

from benchmarks.tenants_study.index import build, directions, tenant_name, words
from deployments.contracts.search import SearchMethod, SearchMode
from deployments.contracts.tenants import Access
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.follower import Follower
from deployments.retriever.hybrid import HybridSearch, Query
from deployments.retriever.tenancy.names import tenant_of

_TOP_K = 40
_QUERY_WORDS = 6
_FILTER = {"team": "team-0"}


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to divide the chunks."""

    name: str
    tenants: int
    chunks: int


@dataclass(slots=True)
class Runs:
    """What was measured: milliseconds of each search by mode."""

    took_ms: dict[str, list[float]] = field(default_factory=dict)
    foreign_hits: int = 0


class _NothingNew:
    """Follows no store."""

    def sync(self) -> None:
        """Does nothing."""


def take_turns(
    arms: Sequence[Arm], searches: int, rounds: int, *, done: Callable[[], None]
) -> dict[str, Runs]:
    """Returns what each arm took, for searches by every mode, and by meaning and words with a
    filter that is new each time."""
    follower = cast(Follower, _NothingNew())
    # No search here asks the store.
    store = cast(ChromaStore, None)
    indexes = {arm.name: build(arm.tenants, arm.chunks) for arm in arms}
    engines = {name: HybridSearch(store, index, follower) for name, index in indexes.items()}
    runs = {arm.name: Runs() for arm in arms}
    draw = np.random.default_rng(5)
    for _ in range(rounds):
        for arm in arms:
            _measure(engines[arm.name], arm, runs[arm.name], searches, draw)
            done()
    return runs


def _measure(
    engine: HybridSearch, arm: Arm, runs: Runs, searches: int, draw: np.random.Generator
) -> None:
    for place in range(searches):
        text, vector = words(draw, _QUERY_WORDS), directions(draw, 1)[0]
        access = Access(tenant_name(int(draw.integers(arm.tenants)), arm.tenants))
        ways: list[tuple[str, SearchMode, dict[str, object] | None]] = [
            (mode, mode, None) for mode in get_args(SearchMode)
        ]
        ways.append(("hybrid, new filter", "hybrid", {**_FILTER, "page": {"$ne": place}}))
        for name, mode, where in ways:
            joined = where and {"$and": [{key: value} for key, value in where.items()]}
            query = Query(text, vector, _TOP_K, joined, SearchMethod(mode), access)
            started_s = time.perf_counter()
            [hits] = engine.search([query])
            runs.took_ms.setdefault(name, []).append((time.perf_counter() - started_s) * 1e3)
            runs.foreign_hits += sum(
                tenant_of(hit.chunk.id) != access.tenant for hit in hits.chunks
            )


def figures(runs: Runs) -> dict[str, Any]:
    """Returns the times of each mode, and the hits that were somebody else's."""
    return {
        "modes": {
            mode: {
                "p50_ms": round(float(np.percentile(took, 50)), 3),
                "p95_ms": round(float(np.percentile(took, 95)), 3),
            }
            for mode, took in runs.took_ms.items()
        },
        "foreign_hits": runs.foreign_hits,
    }
