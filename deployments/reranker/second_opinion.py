"""Late interaction over all passages, and a cross-encoder over the best of them."""

import time
from collections.abc import Sequence

from deployments.contracts.calls import Times
from deployments.contracts.search import Reranked
from deployments.contracts.vectors import QuestionTokens
from deployments.reranker.scorer import Scorer


class SecondOpinionScorer:
    """Adds what a second scorer says of the best passages to what the first says of all.

    The sum keeps one scale for all questions: it is no rank, so that thresholds hold.

    Args:
        first: Judges all passages.
        second: Judges the best of them, from 0 to 1.
        count: How many those are.
        weight: What the second's score counts.
    """

    def __init__(self, first: Scorer, second: Scorer, *, count: int, weight: float) -> None:
        self.model = f"{first.model}+{second.model}"
        self._first = first
        self._second = second
        self._count = count
        self._weight = weight

    async def prepare(self, texts: Sequence[str], *, timeout_s: float) -> None:
        """See `Scorer.prepare`."""
        await self._first.prepare(texts, timeout_s=timeout_s)

    async def score(
        self,
        query: str,
        texts: Sequence[str],
        *,
        question: QuestionTokens | None = None,
        timeout_s: float,
        background: bool = False,
    ) -> Reranked:
        """Returns a score per text, from -1 to 1 plus the weight."""
        deadline_s = time.monotonic() + timeout_s
        first = await self._first.score(
            query, texts, question=question, timeout_s=timeout_s, background=background
        )
        # Of equal scores the retriever's order decides.
        best = sorted(range(len(texts)), key=lambda place: -first.scores[place])[: self._count]
        second = await self._second.score(
            query,
            [texts[place] for place in best],
            timeout_s=deadline_s - time.monotonic(),
            background=background,
        )
        scores = list(first.scores)
        for place, score in zip(best, second.scores, strict=True):
            scores[place] += self._weight * score
        return Reranked(
            scores=tuple(scores),
            prompt_tokens=first.prompt_tokens + second.prompt_tokens,
            model=self.model,
            times=_added(first.times, second.times),
        )


def _added(first: Times, second: Times) -> Times:
    """Returns the times of one after the other."""
    return Times(
        queue_ms=first.queue_ms + second.queue_ms,
        inference_ms=first.inference_ms + second.inference_ms,
        batch_size=max(first.batch_size, second.batch_size),
    )
