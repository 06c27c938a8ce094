"""How the answers of two releases to one request compare."""

import re
from collections import Counter
from collections.abc import Sequence

from deployments.contracts.search import ScoredChunk

_WORD = re.compile(r"\w+")


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
    counts = [word.total() for word in words]
    if not all(counts):
        return float(counts[0] == counts[1])
    common = (words[0] & words[1]).total()
    return 2.0 * common / sum(counts)
