"""What the shards have for a query as one answer: values in, values out. Lists are cut after they
are one, and fused after that, so that the answer is what one shard with all documents would say."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from deployments.contracts.documents import Chunk
from deployments.contracts.search import (
    Candidates,
    Found,
    ScoredChunk,
    SearchMethod,
    Signals,
    WordCounts,
)
from deployments.fusion import fuse_hybrid
from deployments.neighbours import neighbours_of


def sum_counts(counts: Sequence[WordCounts], missing: Sequence[str] = ()) -> WordCounts:
    """Returns the counts of several shards as those of one index.

    Args:
        counts: Of those that answered.
        missing: The others.
    """
    frequencies: dict[tuple[str, str], int] = {}
    for one in counts:
        for term, count in one.frequencies.items():
            frequencies[term] = frequencies.get(term, 0) + count
    return WordCounts(
        sum(one.texts for one in counts),
        sum(one.living for one in counts),
        sum(one.measured_texts for one in counts),
        sum(one.measured_words for one in counts),
        frequencies,
        tuple(missing),
    )


def merge(
    given: Sequence[Candidates],
    *,
    top_k: int,
    how: SearchMethod,
    reach: int,
    missing: Sequence[str] = (),
) -> Found:
    """Returns the best `top_k` chunks of all shards by descending score, ties by chunk id, and
    those within `reach` of them. Times are those of the shard that took longest.

    Args:
        given: What each shard that answered has; one at least.
        top_k: How many.
        how: As the shards were asked.
        reach: As the shards were asked.
        missing: The others.
    """
    depth = how.depth(top_k)
    near = _best((pair for one in given for pair in one.near), depth)
    worded = _best((pair for one in given for pair in one.worded), depth)
    cosines, scores = dict(near), dict(worded)
    if given[0].mode == "hybrid":
        exact = {name: score for one in given for name, score in (*one.near, *one.cosines.items())}
        cosines |= {name: exact[name] for name in scores}
        ordered = fuse_hybrid(cosines, scores, depth=depth, dense_weight=how.dense_weight)
    else:
        ordered = [*near, *worded]
    chunks = {name: chunk for one in given for name, chunk in one.chunks.items()}
    hits = tuple(
        ScoredChunk(chunks[name], score, rank, Signals(cosines.get(name), scores.get(name)))
        for rank, (name, score) in enumerate(ordered[:top_k], start=1)
    )
    return Found(
        hits,
        max((one.times for one in given), key=lambda times: times.replica_ms),
        next((one.calibration for one in given if one.calibration is not None), None),
        _around(hits, chunks, given, reach),
        "" if missing else joined_generation([one.generation for one in given]),
        tuple(missing),
    )


def joined_generation(generations: Sequence[str]) -> str:
    """Returns what tells whether searches of all shards find the same again; empty where one of
    them cannot tell.

    Args:
        generations: Of each shard, in their order.
    """
    if not all(generations):
        return ""
    return hashlib.sha256(" ".join(generations).encode()).hexdigest()[:32]


def _best(scored: Iterable[tuple[str, float]], depth: int) -> list[tuple[str, float]]:
    # While documents are dealt anew, two shards may have the same one.
    found = dict(scored)
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:depth]


def _around(
    hits: Sequence[ScoredChunk],
    chunks: Mapping[str, Chunk],
    given: Sequence[Candidates],
    reach: int,
) -> tuple[Chunk, ...]:
    """Returns what stands around the hits: what was no hit in the end may, too."""
    if not reach:
        return ()
    around = (chunk for one in given for chunk in one.neighbours)
    known = {(chunk.document_id, chunk.ordinal): chunk for chunk in (*chunks.values(), *around)}
    return neighbours_of(
        [hit.chunk for hit in hits], reach, lambda document, ordinal: known.get((document, ordinal))
    )
