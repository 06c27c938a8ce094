"""One index, or one shard of it, in a process of its own: what its part of a search costs."""

import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from benchmarks.index_study.memory import private_mb
from benchmarks.index_study.source import DOCUMENT_CHUNKS, MadeUpSource
from deployments.contracts.search import Candidates, SearchMethod, WordCounts
from deployments.contracts.tenants import DEFAULT_ACCESS
from deployments.retriever.candidates import ShardSearch
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.disk.keeper import IndexKeeper
from deployments.retriever.follower import Follower
from deployments.retriever.hybrid import HybridSearch, Query
from deployments.retriever.index import vectors
from deployments.retriever.index.chunk_index import ChunkIndex
from deployments.retriever.lexical.told import count_words
from deployments.retriever.shard_source import ShardSource
from deployments.sharding.deal import Deal

TOP_K = 40
HOW = SearchMethod("hybrid")
REACH = 1
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU milliseconds of each search, and the bytes that its answer is on its way."""

    cpu_ms: list[float]
    answer_bytes: list[int]


class Party:
    """Files of one shard, made and opened; one of one is the whole index.

    Args:
        chunks: Of all shards.
        deal: Which this is.
        root: Folder of all.
    """

    def __init__(self, chunks: int, deal: Deal, root: Path) -> None:
        self.source = MadeUpSource(chunks // DOCUMENT_CHUNKS)
        self.index = ChunkIndex(in_files=True)
        keeper = IndexKeeper(root / str(deal), max_pending_chunks=4096, max_pending_s=1e9)
        own = ShardSource(self.source, deal)
        follower = Follower(own, self.index, keeper)
        follower.sync()
        keeper.step(follower)
        self._hybrid = HybridSearch(cast(ChromaStore, None), self.index, follower)
        self._shard = ShardSearch(self._hybrid, deal)

    def whole(self, seed: int, count: int) -> tuple[list[list[str]], Cost]:
        """Returns the ids that one index with everything finds."""
        queries = [_query(text, vector) for text, vector in self._questions(seed, count)]
        found, cost = _each(queries, lambda query: self._hybrid.search([query])[0])
        return [[hit.chunk.id for hit in hits.chunks] for hits in found], cost

    def count(self, seed: int, count: int) -> tuple[list[WordCounts], Cost]:
        """Returns the counts of each question's words."""
        texts = [text for text, _ in self._questions(seed, count)]
        return _each(texts, lambda text: count_words(self.index.view().words, [text]))

    def candidates(self, seed: int, counts: Sequence[WordCounts]) -> tuple[list[Candidates], Cost]:
        """Returns what this shard has for each question."""
        queries = [
            _query(text, vector, told)
            for (text, vector), told in zip(self._questions(seed, len(counts)), counts, strict=True)
        ]
        return _each(queries, lambda query: self._shard.search([query])[0][0])

    def size(self) -> dict[str, float]:
        """Returns how many chunks it has, and the memory that is the process's own."""
        return {"chunks": len(self.index), "private_mb": private_mb()}

    def _questions(self, seed: int, count: int) -> list[tuple[str, Any]]:
        texts, vectors = self.source.questions(count, seed=seed)
        return list(zip(texts, vectors, strict=True))


def _query(text: str, vector: Any, counts: WordCounts | None = None) -> Query:
    return Query(text, vector, TOP_K, None, HOW, DEFAULT_ACCESS, REACH, counts)


def _each(items: Sequence[Any], work: Callable[[Any], Result]) -> tuple[list[Result], Cost]:
    results: list[Result] = []
    cost = Cost([], [])
    for item in items:
        begun_s = time.process_time()
        result = work(item)
        cost.cpu_ms.append((time.process_time() - begun_s) * 1e3)
        cost.answer_bytes.append(len(pickle.dumps(result)))
        results.append(result)
    return results, cost


_party: Party | None = None


def open_party(chunks: int, deal: Deal, root: Path, *, exact: bool) -> dict[str, float]:
    """Opens the party of this process.

    Args:
        chunks: Of all shards.
        deal: Which it is.
        root: Folder of all.
        exact: Whether all cosines are computed.
    """
    global _party
    if exact:
        vectors.LIKELY = chunks
    _party = Party(chunks, deal, root)
    return _party.size()


def ask_party(method: str, *arguments: Any) -> Any:
    """Returns what the party of this process says."""
    return getattr(_party, method)(*arguments)
