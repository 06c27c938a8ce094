"""The order of what was found: by what every stage says of it, and without saying things twice."""

from collections.abc import Sequence
from dataclasses import replace

from deployments.contracts.search import ScoredChunk
from deployments.fusion import fuse_ranks, fuse_scores, min_max

_SHINGLE_WORDS = 3
"""Words that count as one mark of a text: single words are shared by all texts on a subject."""

Marks = set[tuple[str, ...]]


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
        hit.chunk.id: replace(hit, signals=replace(hit.signals, rerank=score))
        for hit, score in zip(found, scores, strict=True)
    }
    fused = fuse_scores(
        [
            dict(zip(by_id, scores, strict=True)),
            {chunk_id: hit.score for chunk_id, hit in by_id.items()},
        ],
        [rerank_weight, 1.0 - rerank_weight],
        normalize=min_max,
    )
    return [
        replace(by_id[chunk_id], score=score, rank=rank)
        for rank, (chunk_id, score) in enumerate(fused, start=1)
    ]


def distinct(
    hits: Sequence[ScoredChunk], *, top_n: int, max_repeated_ratio: float
) -> list[ScoredChunk]:
    """Returns the best `top_n` chunks of which none repeats more of a better one than the given
    share of its own marks, three words in a row each.

    Neighbours that overlap by a few sentences stay; copies of one page do not crowd the others out.
    Source: Broder, On the resemblance and containment of documents, SEQUENCES 1997.
    """
    kept: list[ScoredChunk] = []
    kept_marks: list[Marks] = []
    known: Marks = set()
    for hit in hits:
        if len(kept) == top_n:
            break
        marks = _shingles(hit.chunk.text)
        bearable = max_repeated_ratio * len(marks)
        # What all better ones together do not repeat, none of them does.
        if len(marks & known) > bearable and any(
            len(marks & mark) > bearable for mark in kept_marks
        ):
            continue
        known |= marks
        kept_marks.append(marks)
        kept.append(replace(hit, rank=len(kept) + 1))
    return kept


def _shingles(text: str) -> Marks:
    words = text.lower().split()
    if len(words) < _SHINGLE_WORDS:
        return {tuple(words)} if words else set()
    return set(zip(*(words[start:] for start in range(_SHINGLE_WORDS)), strict=False))
