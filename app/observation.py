"""What of an answer is evidence for a rollout: the figures by which two releases are compared."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from app.prices import PICOUSD_PER_USD, PriceTable
from app.trail import Trail
from deployments.contracts import Generation, ScoredChunk

Values = Mapping[str, float | None]
"""By metric of `deployments.canary.metrics`; None where a request has no such value."""

FAILED: Values = {"error": 1.0, "aborted": 0.0}
"""A request that failed has no time: failing at once is not being fast."""
ABORTED: Values = {"error": 0.0, "aborted": 1.0}
"""The same of a client that went away."""

_AT_ONCE_MS = 1.0
"""What is written in less has no time per token: it was written at once."""
_WORD = re.compile(r"\w+")


def observe_answer(
    written: Generation, trail: Trail, *, total_ms: float, prices: PriceTable
) -> Values:
    """Returns the figures of an answer.

    Args:
        written: What the generator wrote.
        trail: Where the time went.
        total_ms: Time from the request to the end of its answer.
        prices: What tokens cost; a model without prices leaves cost out.
    """
    times = trail.times.values()
    generator = trail.times.get("generator")
    values: dict[str, float | None] = {
        "total_ms": total_ms,
        "queue_ms": sum(time.queue_ms for time in times),
        "error": 0.0,
        "aborted": 0.0,
        "truncated": float(written.finish_reason == "length"),
        "refused": float(not written.grounded),
        "degraded": float(bool(trail.degraded)),
        "prompt_tokens": float(written.prompt_tokens),
        "completion_tokens": float(written.completion_tokens),
        "citations": float(len({one.source for one in written.citations})),
    }
    if written.ttft_ms > 0 and generator is not None:
        # The same for whole and for streamed answers, so that their mixture does not matter.
        values["ttft_ms"] = total_ms - generator.total_ms + written.ttft_ms
        writing_ms = written.times.replica_ms - written.ttft_ms
        if written.completion_tokens > 1 and writing_ms > _AT_ONCE_MS:
            values["tpot_ms"] = writing_ms / (written.completion_tokens - 1)
    if (costs := prices.costs_picousd(written)) is not None:
        values["cost"] = sum(costs) / PICOUSD_PER_USD
    return values


def overlap_at_k(first: Sequence[ScoredChunk], second: Sequence[ScoredChunk]) -> float | None:
    """Returns the share of passages that two searches have in common, of the longer list; None
    where both found nothing.

    Two retrieval applications may split documents differently: where no chunk is known to both, the
    documents that the chunks are from are compared.
    """
    if not first or not second:
        return 0.0 if first or second else None
    longer = max(len(first), len(second))
    chunks = [{(hit.chunk.id, hit.chunk.text) for hit in hits} for hits in (first, second)]
    if common := chunks[0] & chunks[1]:
        return len(common) / longer
    documents = [{hit.chunk.document_id for hit in hits} for hits in (first, second)]
    return len(documents[0] & documents[1]) / max(map(len, documents))


def agreement(first: str, second: str) -> float:
    """Returns how far two answers use the same words: 1 for all, 0 for none.

    Source: the F1 of words, Rajpurkar et al., SQuAD: 100,000+ Questions for Machine Comprehension
    of Text, EMNLP 2016, section 6.1.

    >>> round(agreement("A full queue is refused.", "a queue is full"), 2)
    0.89
    """
    words = [Counter(_WORD.findall(text.lower())) for text in (first, second)]
    counts = [one.total() for one in words]
    if not all(counts):
        return float(counts[0] == counts[1])
    common = (words[0] & words[1]).total()
    return 2.0 * common / sum(counts)
