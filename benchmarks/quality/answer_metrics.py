"""How good one answer is against what is known to be right, and what a refusal costs."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sentencex import segment

from app.cli.evaluate.matching import normalize
from deployments.contracts.generation import without_citations

_CURVE_POINTS = 20


def token_recall(text: str, reference: str) -> float:
    """Returns the share of the reference's words that the text has, each as often as it comes.

    Source: the recall inside the F1 of Rajpurkar et al., SQuAD: 100,000+ Questions for Machine
    Comprehension of Text, EMNLP 2016, section 6.1.
    """
    has, wanted = (Counter(normalize(one).split()) for one in (text, reference))
    return (has & wanted).total() / wanted.total() if wanted else 0.0


def sentence_count(text: str) -> int:
    """Returns how many sentences an answer has, its citations apart."""
    return sum(bool(one.strip()) for one in segment("en", without_citations(text)))


def refusal_curve(
    scores: ArrayLike, given: Sequence[bool], right: Sequence[bool], answerable: Sequence[bool]
) -> list[dict[str, Any]]:
    """Returns coverage and risk for about 20 thresholds of a score, the lowest first.

    A question is answered from a threshold on if an answer was given and its score reaches it: what
    was refused has no answer that could be judged. Coverage is the share of answerable questions
    that are answered, risk the share of answers that are wrong; without an answer there is none,
    and the curve ends before.

    Source: El-Yaniv and Wiener, On the Foundations of Noise-free Selective Classification, Journal
    of Machine Learning Research 11, 2010; coverage is taken over answerable questions here.
    """
    values = np.asarray(scores, dtype=np.float64)
    was_given, is_right, can_be = (
        np.asarray(one, dtype=bool) for one in (given, right, answerable)
    )
    known = was_given & np.isfinite(values)
    if not known.any() or not can_be.any():
        return []
    shares = np.linspace(0.0, 1.0, _CURVE_POINTS)
    # Quantiles that are scores: between two of them nothing changes.
    thresholds = np.unique(np.quantile(values[known], shares, method="lower"))
    curve = []
    for threshold in thresholds:
        answered = known & (values >= threshold)
        curve.append(
            {
                "threshold": round(float(threshold), 4),
                "coverage": round(float(answered[can_be].mean()), 4),
                "risk": round(float(1.0 - is_right[answered].mean()), 4),
            }
        )
    return curve
