"""What judges passages: late interaction or a cross-encoder, behind one interface."""

from collections.abc import Callable, Sequence
from typing import Protocol

from deployments.batching.batcher import BatchReport
from deployments.contracts.search import Reranked
from deployments.contracts.vectors import QuestionTokens

OnBatch = Callable[[BatchReport], None]


class Scorer(Protocol):
    """Scores texts against a query; `model` names what judges, as `Reranked.model` does."""

    @property
    def model(self) -> str: ...

    async def prepare(self, texts: Sequence[str], *, timeout_s: float) -> None:
        """Does beforehand what judging passages takes without a query, as far as that is kept."""
        ...

    async def score(
        self,
        query: str,
        texts: Sequence[str],
        *,
        question: QuestionTokens | None = None,
        timeout_s: float,
        background: bool = False,
    ) -> Reranked:
        """Returns a relevance score per text, higher is better. What is in the background waits for
        what is not. `question` is the query as the embedder's model read it."""
        ...
