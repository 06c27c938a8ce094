"""The figures of each release over a set of questions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles

from app.cli.evaluate.judging import Judged
from deployments.canary.sequential import wilson_bounds

_NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Share:
    """How many of so many, with a 95 % interval; of none, nothing is known."""

    count: int
    total: int

    @property
    def value(self) -> float | None:
        return self.count / self.total if self.total else None

    @property
    def bounds(self) -> tuple[float, float]:
        return wilson_bounds(self.count, self.total, z=_NORMAL_95)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a release made of a set.

    Attributes:
        release: Its name.
        first_hit: Questions whose first source is a right document, of those with one.
        hit: Questions with a right document among the sources.
        mrr: Mean of one through the place of the first right document; None where none is known.
        right: Right answers, of the answerable questions with a known answer.
        answered: Answerable questions that got an answer.
        refused: Questions that nothing answers, and that got none.
        errors: Requests that failed.
        p50_ms, p95_ms: Latency of the others at the client; None where all failed.
    """

    release: str
    first_hit: Share
    hit: Share
    mrr: float | None
    right: Share
    answered: Share
    refused: Share
    errors: Share
    p50_ms: float | None
    p95_ms: float | None

    def shares(self) -> dict[str, Share]:
        """Returns the shares by name, those of nothing left out."""
        found = {
            "first_hit": self.first_hit,
            "hit": self.hit,
            "right": self.right,
            "answered": self.answered,
            "refused": self.refused,
            "errors": self.errors,
        }
        return {name: share for name, share in found.items() if share.total}


def summarize(judged: Sequence[Judged]) -> list[Summary]:
    """Returns the figures of each release, in the order in which they were asked."""
    return [
        _summary(release, [one for one in judged if one.release == release])
        for release in dict.fromkeys(one.release for one in judged)
    ]


def _summary(release: str, judged: Sequence[Judged]) -> Summary:
    ranks = [one.rank for one in judged if one.rank is not None]
    answerable = [one for one in judged if one.known.answerable]
    others = [one for one in judged if not one.known.answerable]
    latencies_ms = sorted(one.latency_ms for one in judged if not one.error)
    return Summary(
        release,
        first_hit=_share(rank == 1 for rank in ranks),
        hit=_share(rank > 0 for rank in ranks),
        mrr=sum(1 / rank for rank in ranks if rank) / len(ranks) if ranks else None,
        right=_share(one.is_right for one in answerable if one.is_right is not None),
        answered=_share(one.is_given for one in answerable),
        # A request that failed has refused nothing.
        refused=_share(bool(one.is_right) for one in others),
        errors=_share(bool(one.error) for one in judged),
        p50_ms=_quantile(latencies_ms, 50),
        p95_ms=_quantile(latencies_ms, 95),
    )


def _share(hits: Iterable[bool]) -> Share:
    found = list(hits)
    return Share(sum(found), len(found))


def _quantile(ordered: Sequence[float], percent: int) -> float | None:
    if len(ordered) < 2:
        return ordered[0] if ordered else None
    return quantiles(ordered, n=100, method="inclusive")[percent - 1]
