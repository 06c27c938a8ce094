"""What the evidence says of one metric: pass, fail, or not yet known."""

from dataclasses import dataclass, replace
from typing import Literal

from deployments.canary.comparison import Comparison, Terms, compare_means, compare_with_target
from deployments.canary.dispersion import MIN_BLOCKS
from deployments.canary.evidence import Evidence, Tally
from deployments.canary.guardrails import Guardrail
from deployments.canary.metrics import METRICS, Metric
from deployments.canary.policy import Policy, Shadow
from deployments.canary.shares import compare_shares, compare_tails

Outcome = Literal["pass", "fail", "insufficient", "inconclusive"]
"""`insufficient`: there is too little data for any word. `inconclusive`: there is enough, and it
proves neither."""

_LEAST_RATINGS = 30
_MAX_MISSING_EXCESS = 0.2
"""Where the shares of requests without a value differ by more, those with one do not compare."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one metric, in words and figures.

    Args:
        metric: Its name.
        outcome: See `Outcome`.
        reason: A sentence for people.
        rolls_back: Whether a failure rolls the canary back; where not, the metric is only shown.
        canary_requests: Those with a value.
        baseline_requests: Those with a value.
        effective_requests: How many independent requests those of the smaller arm are worth.
        canary: Value of the canary, None where there is none, as for all figures that follow.
        baseline: Value of the baseline, or the target.
        change: Positive where the canary is worse; a share of the baseline, or a difference.
        lower: The change is at least this.
        upper: The change is at most this.
        margin: The change that is tolerated.
        threshold_ms: From where a request is slow.
        holds_up: Whether a stage waits for it to pass.
    """

    metric: str
    outcome: Outcome
    reason: str
    rolls_back: bool = True
    canary_requests: int = 0
    baseline_requests: int = 0
    effective_requests: float | None = None
    canary: float | None = None
    baseline: float | None = None
    change: float | None = None
    lower: float | None = None
    upper: float | None = None
    margin: float | None = None
    threshold_ms: float | None = None
    holds_up: bool = True

    @property
    def seems_worse(self) -> bool:
        """Whether the estimate is beyond the margin, proven or not."""
        return self.change is not None and self.margin is not None and self.change > self.margin


def judge(policy: Policy, evidence: Evidence, name: str) -> Verdict | None:
    """Returns the verdict on one guardrail of a policy, or None where neither arm has ever measured
    the metric and the policy can do without, as with ratings in a shadow stage."""
    guardrail, metric = policy.guardrails[name], METRICS[name]
    measured = metric.source or name
    canary, baseline = evidence.tally("canary", measured), evidence.tally("baseline", measured)
    counts = canary.count if canary else 0, baseline.count if baseline else 0
    if metric.is_rating and isinstance(policy.stages[evidence.stage], Shadow):
        return None  # nobody reads what the canary answers
    needed = guardrail.min_ratings is not None if metric.is_rating else guardrail.needed
    if not needed and counts == (0, 0):
        return None
    problem = _problem(metric, canary, baseline)
    if problem or canary is None:
        return Verdict(
            name,
            "insufficient",
            f"{metric.says}: {problem}",
            rolls_back=guardrail.rolls_back != "never",
            canary_requests=counts[0],
            baseline_requests=counts[1],
            holds_up=needed or not metric.is_rating,
        )
    terms = Terms(
        guardrail.margin,
        harm=policy.false_alarms(evidence.stage, name),
        promotion=policy.max_false_promotions,
        sign=-1 if metric.worse == "lower" else 1,
    )
    found = _compare(metric, canary, baseline, terms)
    smaller = counts[0] if metric.kind == "pair" else min(counts)
    effective = smaller / found.dispersion.design_effect
    outcome, words = _weigh(guardrail, found, effective, least=_least(policy, metric))
    verdict = Verdict(
        name,
        outcome,
        f"{metric.says}: {words}",
        rolls_back=guardrail.rolls_back != "never",
        canary_requests=counts[0],
        baseline_requests=counts[1],
        effective_requests=effective,
        canary=found.canary,
        baseline=found.baseline,
        change=found.change,
        lower=found.lower,
        upper=found.upper,
        margin=found.margin,
        threshold_ms=found.threshold_ms,
    )
    return _rated(verdict, guardrail, min(counts)) if metric.is_rating else verdict


def _least(policy: Policy, metric: Metric) -> int:
    """Returns how many independent requests of each arm a verdict takes. Few answers are rated; and
    what proves that fewer are liked is exact, where the bounds of times are not."""
    if metric.is_rating:
        return min(policy.min_effective_requests, _LEAST_RATINGS)
    return policy.min_effective_requests


def _rated(verdict: Verdict, guardrail: Guardrail, ratings: int) -> Verdict:
    """Returns the verdict on ratings with what it holds up: nothing, unless the policy waits for so
    many of them; and then until they are there and do not speak against the canary."""
    wanted = guardrail.min_ratings
    if wanted is None or verdict.outcome == "fail":
        return replace(verdict, holds_up=False)
    if ratings < wanted:
        waits = f"{verdict.reason}; {ratings} of {wanted} ratings"
        return replace(verdict, outcome="insufficient", reason=waits)
    return replace(verdict, holds_up=verdict.seems_worse)


def _problem(metric: Metric, canary: Tally | None, baseline: Tally | None) -> str:
    """Returns why two arms cannot be compared at all, or nothing."""
    if canary is None or not canary.count:
        return "the canary has no value"
    if metric.kind == "pair":
        return ""
    if baseline is None or not baseline.count:
        return "the baseline has no value"
    if metric.kind == "mean" and min(canary.total, baseline.total) <= 0.0:
        return "a mean of zero has no ratio"
    missing = [one.missing / (one.missing + one.count) for one in (canary, baseline)]
    if abs(missing[0] - missing[1]) > _MAX_MISSING_EXCESS:
        return (
            f"{missing[0]:.0%} of the canary's requests have no value, "
            f"and {missing[1]:.0%} of the baseline's"
        )
    return ""


def _compare(metric: Metric, canary: Tally, baseline: Tally | None, terms: Terms) -> Comparison:
    if baseline is None or metric.kind == "pair":
        return compare_with_target(canary, metric.target, terms)
    if metric.kind == "tail":
        return compare_tails(canary, baseline, terms)
    if metric.kind == "share":
        return compare_shares(canary, baseline, terms)
    geometric = metric.kind == "geometric_mean"
    ways = terms.both_ways() if metric.worse == "either" else (terms,)
    found = [compare_means(canary, baseline, way, geometric=geometric) for way in ways]
    return max(found, key=lambda one: one.upper)


def _weigh(
    guardrail: Guardrail, found: Comparison, effective: float, *, least: int
) -> tuple[Outcome, str]:
    """Returns the outcome of a comparison and why."""
    spread = found.dispersion
    if effective < least:
        return "insufficient", (
            f"requests are worth {effective:.0f} independent ones, {least} are needed"
        )
    if spread.groups < MIN_BLOCKS:
        return "insufficient", (
            f"requests come from {spread.groups:.1f} callers or moments, {MIN_BLOCKS} are needed"
        )
    strict = guardrail.rolls_back == "beyond_margin"
    proven = found.lower > found.margin if strict else found.worse
    words = (
        f"{found.canary:.4g} against {found.baseline:.4g}, {abs(found.change):.1%} "
        f"{'worse' if found.change > 0 else 'better'} ({found.lower:+.1%} to {found.upper:+.1%}), "
        f"{found.margin:.1%} worse is tolerated"
    )
    if proven and found.change > found.margin:
        return "fail", words
    if found.upper <= found.margin:
        return "pass", words
    return "inconclusive", words
