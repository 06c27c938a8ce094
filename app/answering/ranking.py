"""The order of what was found: by what every stage says of it."""

from collections.abc import Sequence
from dataclasses import replace

from deployments.contracts.search import ScoredChunk
from deployments.fusion import fuse_ranks, fuse_scores, min_max


def merge(found: Sequence[Sequence[ScoredChunk]], *, top_k: int) -> list[ScoredChunk]:
    """Returns the chunks that several formulations of a question found, each once, best first.

    Scores of different formulations do not compare, so that ranks decide. A chunk keeps the signals
    of the first formulation that found it.
    """
    if len(found) == 1:
        return list(found[0][:top_k])
    known = {hit.chunk.id: hit for hits in reversed(found) for hit in hits}
    scores = [{hit.chunk.id: hit.score for hit in hits} for hits in found]
    fused = fuse_ranks(scores, [1.0] * len(scores))
    return [
        replace(known[chunk_id], score=score, rank=rank)
        for rank, (chunk_id, score) in enumerate(fused[:top_k], start=1)
    ]


def judged(
    found: Sequence[ScoredChunk], scores: Sequence[float], *, rerank_weight: float
) -> list[ScoredChunk]:
    """Returns what was found, by the weighted sum of the retriever's scores and the reranker's,
    each scaled from 0 to 1; ties by chunk id.

    Args:
        found: At least the chunks that were judged, in the order of `scores`.
        scores: The reranker's.
        rerank_weight: From 0 to 1.
    """
    by_id = {
        hit.chunk.id: (hit.chunk, replace(hit.signals, rerank=score))
        for hit, score in zip(found, scores, strict=True)
    }
    fused = fuse_scores(
        [
            dict(zip(by_id, scores, strict=True)),
            {hit.chunk.id: hit.score for hit in found},
        ],
        [rerank_weight, 1.0 - rerank_weight],
        normalize=min_max,
    )
    return [
        ScoredChunk(chunk, score, rank, signals)
        for rank, (chunk_id, score) in enumerate(fused, start=1)
        for chunk, signals in (by_id[chunk_id],)
    ]
