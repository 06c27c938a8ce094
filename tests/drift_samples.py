"""Sampled queries for the tests of drift."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from deployments.activity import QuerySample
from deployments.drift import DAY_S

UNTIL_S = 20_000 * DAY_S
DIMENSION = 24


def query_samples(
    count: int,
    *,
    from_s: float,
    to_s: float,
    seed: int = 0,
    release: str = "one",
    topic: float = 0.0,
    score: float = 0.6,
    words: float = 40.0,
    ungrounded: float = 0.1,
    topics_by_s: float = 0.0,
) -> list[QuerySample]:
    """Returns queries at random times.

    Args:
        topic: How far their embeddings lie off, in one direction.
        topics_by_s: Everybody asks about one thing for so many seconds, then about another one.
    """
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(from_s, to_s, count))
    vectors = rng.normal(size=(count, DIMENSION))
    vectors[:, 0] += topic
    if topics_by_s:
        for part in np.unique(times // topics_by_s):
            of_part = np.random.default_rng(int(part)).normal(size=DIMENSION)
            vectors[times // topics_by_s == part] += 3 * of_part
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [
        QuerySample(
            at_s=float(at_s),
            release=release,
            vector=vector.astype("<f2").tobytes(),
            dimension=DIMENSION,
            top_score=float(rng.normal(score, 0.1)),
            grounded=bool(rng.random() >= ungrounded),
            answer_words=max(1, round(rng.normal(words, 10))),
        )
        for at_s, vector in zip(times, vectors, strict=True)
    ]


@dataclass
class MemorySource:
    """Keeps samples in a list, as `deployments.tracking.drift.watch.SampleSource`."""

    kept: list[QuerySample] = field(default_factory=list)

    def samples(
        self, release: str, *, since_s: float, until_s: float, limit: int
    ) -> Sequence[QuerySample]:
        found = [
            one for one in self.kept if one.release == release and since_s <= one.at_s < until_s
        ]
        return found[-limit:]

    def sampled_releases(self, *, since_s: float, until_s: float) -> Sequence[str]:
        return sorted({one.release for one in self.kept if since_s <= one.at_s < until_s})
