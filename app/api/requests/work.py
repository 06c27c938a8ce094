"""How many requests a request counts as at the gate: what a client sizes, in units of a usual
question."""

from math import ceil

from app.schemas.answers import SearchRequest
from app.settings.live.release import Release

_USUAL_PASSAGES: int = Release.model_fields["top_k"].default
"""Passages that are reranked for a question."""
_TEXTS_TOGETHER = 32
"""Texts that travel to the embedder in one call."""


def work_of_search(asked: SearchRequest) -> int:
    """Returns the work of a question: each formulation is a search, and what is found is
    reranked."""
    return len(asked.queries) + work_of_passages(asked.top_k or 1)


def work_of_texts(count: int) -> int:
    """Returns the work of texts to embed."""
    return ceil(count / _TEXTS_TOGETHER)


def work_of_passages(count: int) -> int:
    """Returns the work of passages to rerank."""
    return ceil(count / _USUAL_PASSAGES)
