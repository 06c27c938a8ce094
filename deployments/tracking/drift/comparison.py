"""Whether queries and answers of a release have changed between two windows of time.

Four comparisons: of the embeddings of the queries by a domain classifier, of the score of the best
passage and of the length of the answer by the Kolmogorov-Smirnov distance, of the share of answers
without support by its difference. Each is drift when it is larger than chance explains and large
enough to matter. scikit-learn and SciPy come with sentence-transformers; Evidently, which finds
drift by the same means, would bring a dozen packages more.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from deployments.drift import CheckName, DriftCheck, DriftVerdict
from deployments.tracking.drift.samples import Flags, Samples
from deployments.tracking.drift.statistics import (
    DomainClassifier,
    KolmogorovSmirnov,
    holm,
    p_value,
    share_difference,
)


@dataclass(frozen=True, slots=True)
class DriftPolicy:
    """When a difference is drift.

    Attributes:
        alpha: Probability that any comparison finds drift where nothing has changed.
        least_auc: Area under the ROC curve of the classifier that matters; 0.5 is chance.
        least_distance: Kolmogorov-Smirnov distance that matters.
        least_share: Difference of the shares of answers without support that matters.
        min_samples: Queries that each window must have.
        min_blocks: Stretches of time, with queries, that each window must have.
        permutations: How often chance is tried at most.
        seed: Of all chance: the same samples give the same result.
    """

    alpha: float = 0.05
    least_auc: float = 0.55
    least_distance: float = 0.1
    least_share: float = 0.05
    min_samples: int = 100
    min_blocks: int = 8
    permutations: int = 199
    seed: int = 0


def find_drift(samples: Samples, policy: DriftPolicy | None = None) -> tuple[DriftCheck, ...]:
    """Returns what each comparison found; takes seconds."""
    policy = policy or DriftPolicy()
    comparisons: tuple[Callable[[Samples, DriftPolicy], DriftCheck], ...] = (
        _compare_queries,
        lambda samples, policy: _compare_values("top_score", samples, policy),
        lambda samples, policy: _compare_values("answer_words", samples, policy),
        _compare_ungrounded,
    )
    checks = [compare(samples, policy) for compare in comparisons]
    adjusted = holm([check.p_value for check in checks])
    return tuple(_judged(check, p, policy.alpha) for check, p in zip(checks, adjusted, strict=True))


def overall(checks: tuple[DriftCheck, ...]) -> DriftVerdict:
    """Returns what the comparisons say together: one of drift is drift; none of them that could
    say nothing makes a verdict."""
    verdicts = {check.verdict for check in checks}
    if "drift" in verdicts:
        return "drift"
    return "none" if "none" in verdicts else "not_enough"


def _compare_queries(samples: Samples, policy: DriftPolicy) -> DriftCheck:
    lacks = _lacks(samples, policy)
    if lacks:
        return DriftCheck("queries", "not_enough", lacks, least_effect=policy.least_auc)
    classify = DomainClassifier(samples.vectors, samples.block, policy.seed)
    auc = classify(samples.is_current)
    means = [samples.vectors[side].mean(0) for side in (samples.is_current, ~samples.is_current)]
    lengths = float(np.prod([np.linalg.norm(mean) for mean in means]))
    cosine = float(means[0] @ means[1]) / lengths if lengths else 0.0
    return DriftCheck(
        "queries",
        "none",
        "",
        effect=auc,
        least_effect=policy.least_auc,
        p_value=_chance(classify, auc, samples, policy),
        figures={"mean_cosine_distance": 1.0 - cosine},
    )


def _compare_values(name: CheckName, samples: Samples, policy: DriftPolicy) -> DriftCheck:
    values = getattr(samples, name)
    known = np.isfinite(values)
    samples, values = _of(samples, known), values[known]
    lacks = _lacks(samples, policy)
    if lacks:
        return DriftCheck(name, "not_enough", lacks, least_effect=policy.least_distance)
    from scipy.stats import wasserstein_distance

    distance = KolmogorovSmirnov(values)
    observed = distance(samples.is_current)
    current, reference = values[samples.is_current], values[~samples.is_current]
    return DriftCheck(
        name,
        "none",
        "",
        effect=observed,
        least_effect=policy.least_distance,
        p_value=_chance(distance, observed, samples, policy),
        reference=float(np.median(reference)),
        current=float(np.median(current)),
        figures={"wasserstein_distance": float(wasserstein_distance(reference, current))},
    )


def _compare_ungrounded(samples: Samples, policy: DriftPolicy) -> DriftCheck:
    lacks = _lacks(samples, policy)
    if lacks:
        return DriftCheck("ungrounded", "not_enough", lacks, least_effect=policy.least_share)
    flags = samples.ungrounded

    def size(current: Flags) -> float:
        return abs(float(flags[current].mean() - flags[~current].mean()))

    difference, lower, upper = share_difference(flags, samples.is_current, samples.block)
    return DriftCheck(
        "ungrounded",
        "none",
        "",
        effect=difference,
        least_effect=policy.least_share,
        p_value=_chance(size, abs(difference), samples, policy),
        reference=float(flags[~samples.is_current].mean()),
        current=float(flags[samples.is_current].mean()),
        figures={"lower": lower, "upper": upper},
    )


def _chance(
    statistic: Callable[[Flags], float], observed: float, samples: Samples, policy: DriftPolicy
) -> float:
    return p_value(
        statistic,
        observed,
        samples.block,
        np.random.default_rng(policy.seed),
        permutations=policy.permutations,
    )


def _judged(check: DriftCheck, p_adjusted: float | None, alpha: float) -> DriftCheck:
    if check.effect is None or p_adjusted is None:
        return check
    verdict: DriftVerdict = "none"
    if p_adjusted > alpha:
        reason = "no larger than chance explains"
    elif abs(check.effect) < check.least_effect:
        reason = "different, but too little to matter"
    else:
        verdict, reason = "drift", "larger than chance explains"
    return replace(check, verdict=verdict, reason=reason, p_adjusted=p_adjusted)


def _lacks(samples: Samples, policy: DriftPolicy) -> str:
    """Returns what is missing for a verdict, empty where nothing is."""
    for window, side in (("reference", ~samples.is_current), ("current", samples.is_current)):
        count, blocks = int(side.sum()), len(np.unique(samples.block[side]))
        if count < policy.min_samples:
            return f"{count} samples in the {window} window; it takes {policy.min_samples}"
        if blocks < policy.min_blocks:
            return (
                f"the {count} samples of the {window} window are of {blocks} stretches of time; "
                f"it takes {policy.min_blocks}"
            )
    return ""


def _of(samples: Samples, kept: Flags) -> Samples:
    return Samples(**{name: getattr(samples, name)[kept] for name in Samples.__dataclass_fields__})
