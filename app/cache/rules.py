"""Which requests are answered from the cache, and which answers are kept."""

import math
from collections.abc import Mapping, Sequence

from deployments.contracts.generation import Generation, Sampling


def is_repeatable(sampling: Sampling, facts: Mapping[str, object]) -> bool:
    """Returns whether a generator writes the same again, by what it says of itself: at temperature
    0, or with a seed."""
    if sampling.seed is not None:
        return True
    temperature = sampling.temperature
    return (facts.get("temperature") if temperature is None else temperature) == 0


def may_be_kept(
    written: Generation, degraded: Sequence[str], *, is_from_documents: bool = True
) -> bool:
    """Returns whether an answer may be given to others: it is whole, does without nothing, and,
    where it is from documents, is no refusal, since one may arrive that supports an answer."""
    return (
        written.finish_reason == "stop"
        and (written.grounded or not is_from_documents)
        and not degraded
        and not written.passed_over
        and not written.calls
        and not written.logprobs
        and math.isfinite(written.answerability or 0.0)
    )
