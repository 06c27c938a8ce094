"""What canary and stable are compared by, and how."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["geometric_mean", "mean", "share", "tail", "pair"]
"""How a metric is compared.

- `geometric_mean`: ratio of geometric means. For times, whose distribution is long to the right.
- `mean`: ratio of means. For what is paid for, where the sum counts.
- `share`: difference of shares of requests, 0 or 1 each, or between for a rating.
- `tail`: how much more often a time exceeds a threshold that few requests of both arms exceed.
- `pair`: mean of a score in [0, 1] that compares both answers to one query, against a target.
"""

Worse = Literal["higher", "lower", "either"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that is measured.

    Args:
        kind: See `Kind`.
        says: What it is, for a reader of a verdict.
        worse: Which way is bad.
        floor: Values below it count as it; a time of zero has no logarithm.
        source: For a tail, the metric whose tail it is.
        target: For a pair, the score of a canary that is as good as stable.
        is_rating: Whether people tell it after the answer, of some answers only. That nobody has
            rated an answer says nothing, and holds up no rollout.
    """

    kind: Kind
    says: str
    worse: Worse = "higher"
    floor: float = 0.0
    source: str = ""
    target: float = 0.0
    is_rating: bool = False


METRICS: dict[str, Metric] = {
    "ttft_ms": Metric("geometric_mean", "time to the first token", floor=0.01),
    "tpot_ms": Metric("geometric_mean", "time per output token", floor=0.001),
    "total_ms": Metric("geometric_mean", "time of the whole answer", floor=0.01),
    "queue_ms": Metric("geometric_mean", "time in queues", floor=1.0),
    "ttft_ms.tail": Metric("tail", "slow first tokens", source="ttft_ms"),
    "total_ms.tail": Metric("tail", "slow answers", source="total_ms"),
    "error": Metric("share", "requests that failed"),
    "aborted": Metric("share", "requests that their client gave up"),
    "truncated": Metric("share", "answers cut off at the token limit"),
    "refused": Metric("share", "answers without support in the documents"),
    "blocked": Metric("share", "answers that a moderation policy has ended"),
    "degraded": Metric("share", "answers that did without a stage"),
    "prompt_tokens": Metric("mean", "prompt tokens", worse="either"),
    "completion_tokens": Metric("mean", "completion tokens", worse="either"),
    "cost": Metric("mean", "cost"),
    "citations": Metric("mean", "sources cited", worse="lower"),
    "feedback": Metric("share", "ratings of answers", worse="lower", is_rating=True),
    "overlap": Metric("pair", "retrieved chunks in common with stable", worse="lower", target=1.0),
    "agreement": Metric("pair", "words in common with stable's answer", worse="lower", target=1.0),
    "judge": Metric("pair", "win rate against stable", worse="lower", target=0.5),
}
"""Every metric by name. Those that end in `.tail` are not measured: their source is."""

PAIRS = frozenset(name for name, metric in METRICS.items() if metric.kind == "pair")
"""What is measured on shadow pairs and not on requests."""

RATINGS = frozenset(name for name, metric in METRICS.items() if metric.is_rating)
"""What is told later, by those who have read the answers."""
