"""One replica over an index, in a process of its own: how it starts, what it takes, and how fast it
answers."""

import asyncio
import gc
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks.index_study.memory import private_mb
from benchmarks.index_study.source import DOCUMENT_CHUNKS, MadeUpSource
from deployments.batching.batcher import Batcher
from deployments.contracts.search import SearchMethod
from deployments.contracts.tenants import DEFAULT_ACCESS
from deployments.contracts.vectors import Vectors
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.disk.keeper import IndexKeeper
from deployments.retriever.follower import Follower
from deployments.retriever.hybrid import HybridSearch, Query
from deployments.retriever.index.chunk_index import ChunkIndex

_TOP_K = 10
_WARMUP_SEARCHES = 20
_RECALL_QUESTIONS = 100


@dataclass(frozen=True, slots=True)
class Load:
    """How a replica is asked: `searches` by each number of clients in `clients`."""

    searches: int
    clients: tuple[int, ...]


class Replica:
    """An index that follows made-up documents.

    Args:
        chunks: How many there are.
        folder: Of the files; None for memory alone.
    """

    def __init__(self, chunks: int, folder: Path | None) -> None:
        self.source = MadeUpSource(chunks // DOCUMENT_CHUNKS)
        self.keeper = (
            None
            if folder is None
            else IndexKeeper(folder, max_pending_chunks=4096, max_pending_s=1e9)
        )
        self.index = ChunkIndex(in_files=folder is not None)
        self.follower = Follower(self.source, self.index, self.keeper)

    def fill(self) -> None:
        """Reads what is there, and writes what is to be written."""
        self.follower.sync()
        if self.keeper is not None:
            self.keeper.step(self.follower)


def write_files(chunks: int, folder: Path) -> dict[str, float]:
    """Makes the files, and returns what it took; for a process of its own."""
    begun_s = time.perf_counter()
    replica = Replica(chunks, folder)
    replica.fill()
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return {
        "fill_s": round(time.perf_counter() - begun_s, 1),
        "files_mb": round(size / 1e6, 1),
        "private_mb": private_mb(),
    }


def measure(chunks: int, folder: Path | None, load: Load) -> dict[str, Any]:
    """Returns the figures of one replica; for a process of its own. Of times in `hybrid_ms`,
    `cpu_each` is the one that other work on the machine changes least."""
    before_mb = private_mb()
    replica = Replica(chunks, folder)
    begun_s = time.perf_counter()
    replica.follower.sync()
    ready_s = time.perf_counter() - begun_s
    engine = HybridSearch(cast(ChromaStore, None), replica.index, replica.follower)
    latencies = {
        str(clients): asyncio.run(_ask(engine, replica.source, clients, load.searches))
        for clients in load.clients
    }
    gc.collect()
    return {
        "ready_s": round(ready_s, 2),
        "private_mb": private_mb(),
        "before_mb": before_mb,
        "recall_at_10": _recall(replica),
        "hybrid_ms": latencies,
        "segments": len(replica.index.base.states) if replica.index.base is not None else 0,
    }


async def _ask(
    engine: HybridSearch, source: MadeUpSource, clients: int, searches: int
) -> dict[str, float]:
    texts, vectors = source.questions(searches + _WARMUP_SEARCHES, seed=clients)
    batcher = Batcher(
        engine.search,
        stage="retriever",
        max_batch_tokens=32,
        max_batch_requests=32,
        max_queued_tokens=1024,
        max_queue_s=60.0,
        concurrent_batches=2,
    )
    places = iter(range(len(texts)))
    took_ms: list[float] = []

    async def client() -> None:
        for place in places:
            begun_s = time.perf_counter()
            await batcher.submit(
                [_query(texts[place], vectors[place])], token_counts=[1], timeout_s=60.0
            )
            if place >= _WARMUP_SEARCHES:
                took_ms.append((time.perf_counter() - begun_s) * 1e3)

    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(clients)))
    p50, p95 = np.percentile(took_ms, [50, 95])
    return {
        "p50": round(float(p50), 2),
        "p95": round(float(p95), 2),
        "searches_per_s": round(len(texts) / (time.perf_counter() - begun_s), 1),
        "cpu_each": round((time.process_time() - begun_cpu_s) * 1e3 / len(texts), 2),
    }


def _query(text: str, vector: Vectors) -> Query:
    return Query(text, vector, _TOP_K, None, SearchMethod("hybrid"), DEFAULT_ACCESS, 1)


def _recall(replica: Replica) -> float:
    """Returns the share of the true nearest ten that a search by meaning finds."""
    view = replica.index.view()
    _, vectors = replica.source.questions(_RECALL_QUESTIONS, seed=99)
    best = [np.empty((0, 2))] * len(vectors)
    for seen in view.vectors.seen:
        for first in range(0, seen.used, 65_536):
            rows = slice(first, min(first + 65_536, seen.used))
            cosines = seen.block.vectors[rows] @ vectors.T
            if seen.is_gone is not None:
                cosines[seen.is_gone[rows]] = -1.0
            for place in range(len(vectors)):
                top = np.argpartition(cosines[:, place], -_TOP_K)[-_TOP_K:]
                found = np.stack([seen.block.numbers[rows][top], cosines[top, place]], axis=1)
                best[place] = np.concatenate([best[place], found])
    hits = 0
    for place, vector in enumerate(vectors):
        order = np.argsort(-best[place][:, 1])[:_TOP_K]
        true = set(best[place][order, 0].astype(int).tolist())
        nearest = view.by_meaning(vector, _TOP_K, access=DEFAULT_ACCESS)
        hits += len(true & {hit.number for hit in nearest})
    return round(hits / (_TOP_K * len(vectors)), 4)
