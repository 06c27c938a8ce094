"""What one shard has for a query: both lists whole, since what a score is worth in the fused list
is known only where the lists of all shards are one."""

from collections.abc import Iterable, Mapping, Sequence

from deployments.contracts.documents import Chunk
from deployments.contracts.search import Candidates
from deployments.contracts.tenants import Access
from deployments.retriever.hybrid import (
    WAYS,
    Found,
    Hits,
    HybridSearch,
    Laps,
    Query,
    state_of,
)
from deployments.retriever.tenancy.documents import shown_chunk
from deployments.retriever.tenancy.names import shown_id
from deployments.sharding.deal import Deal

_SPARE_HITS = 16
"""So many more than are wanted are looked around of, and half as many again of many."""


class ShardSearch:
    """Answers batches of queries for one shard. Every method blocks; safe to share between threads.

    Args:
        hybrid: Searches the shard's index, or the store, which has the documents of all.
        deal: Which shard this is.
    """

    def __init__(self, hybrid: HybridSearch, deal: Deal) -> None:
        self._hybrid = hybrid
        self._deal = deal

    def search(self, queries: Sequence[Query]) -> list[tuple[Candidates, Laps]]:
        """Returns the candidates of each query, by the ids that its caller knows, with what its
        batch spent; their `generation` is the state of the documents alone.

        Raises:
            As `HybridSearch.search`.
        """
        laps = Laps()
        of_store, of_memory = self._hybrid.divided(queries)
        found = {
            **{
                place: self._of_store(of_store[place], hits)
                for place, hits in self._hybrid.search_store(of_store, laps).items()
            },
            **{
                place: self._of_memory(of_memory[place], one)
                for place, one in self._hybrid.look(of_memory, laps).items()
            },
        }
        return [(found[place], laps) for place in range(len(queries))]

    def _of_memory(self, query: Query, found: Found) -> Candidates:
        view, access = found.view, query.access
        hits = {hit.chunk_id: hit.number for hit in (*found.dense, *found.words)}
        chunks = {chunk_id: view.rows[number].chunk() for chunk_id, number in hits.items()}
        cosines = found.lacking_cosines(query) if query.how.mode == "hybrid" else {}
        # What stands around a chunk costs most. Scores are shares of the best one of all shards, so
        # that the last of these may change places with some that follow.
        most = query.top_k + max(_SPARE_HITS, query.top_k // 2)
        likely = [chunks[chunk_id] for chunk_id, _ in found.ordered(query, cosines)[:most]]
        return Candidates(
            shards=self._deal.shards,
            mode=query.how.mode,
            near=_shown(access, ((hit.chunk_id, hit.score) for hit in found.dense)),
            worded=_shown(access, ((hit.chunk_id, hit.score) for hit in found.words)),
            cosines=dict(_shown(access, cosines.items())),
            chunks=_shown_chunks(access, chunks.values()),
            neighbours=tuple(
                shown_chunk(access, chunk) for chunk in view.rows.around(likely, query.reach)
            ),
            generation=state_of(view, access),
        )

    def _of_store(self, query: Query, hits: Hits) -> Candidates:
        own = [hit for hit in hits.chunks if self._deal.has(hit.chunk.document_id)]
        return Candidates(
            shards=self._deal.shards,
            mode="dense",
            near=_shown(query.access, ((hit.chunk.id, hit.score) for hit in own)),
            chunks=_shown_chunks(query.access, (hit.chunk for hit in own)),
            neighbours=tuple(
                shown_chunk(query.access, chunk)
                for chunk in hits.neighbours
                if self._deal.has(chunk.document_id)
            ),
        )


def ways_of(candidates: Candidates) -> tuple[str, ...]:
    """Returns the ways of searching by which candidates were found."""
    return WAYS[candidates.mode]


def _shown(access: Access, scored: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    return tuple((shown_id(access, chunk_id), score) for chunk_id, score in scored)


def _shown_chunks(access: Access, chunks: Iterable[Chunk]) -> Mapping[str, Chunk]:
    shown = (shown_chunk(access, chunk) for chunk in chunks)
    return {chunk.id: chunk for chunk in shown}
