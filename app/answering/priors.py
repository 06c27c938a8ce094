"""The order of what was found, corrected by what kind of document it stands in: a manual before a
changelog."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from app.settings.live.priors import Prior
from deployments.contracts.documents import Chunk
from deployments.contracts.search import ScoredChunk


def with_priors(hits: Sequence[ScoredChunk], priors: Sequence[Prior]) -> list[ScoredChunk]:
    """Returns the hits, best first, each with the sum of the priors that fit its document added to
    its score; ties in the order that they had."""
    if not priors or not hits:
        return list(hits)
    moved = [replace(hit, score=hit.score + _prior(hit.chunk, priors)) for hit in hits]
    ordered = sorted(moved, key=lambda hit: (-hit.score, hit.rank))
    return [replace(hit, rank=rank) for rank, hit in enumerate(ordered, start=1)]


def _prior(chunk: Chunk, priors: Sequence[Prior]) -> float:
    return sum(prior.score for prior in priors if _fits(chunk, prior))


def _fits(chunk: Chunk, prior: Prior) -> bool:
    if prior.path is not None and not fnmatchcase(chunk.path.lower(), prior.path.lower()):
        return False
    return all(
        key in chunk.metadata and chunk.metadata[key] == value
        for key, value in prior.metadata.items()
    )
