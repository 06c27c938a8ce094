"""The reranker's shell."""

from collections.abc import Mapping, Sequence

from deployments.contracts.calls import CallContext
from deployments.contracts.search import Reranked
from deployments.contracts.vectors import QuestionTokens
from deployments.encoding.config import TokenVectorArgs
from deployments.reranker.building import build_scorer
from deployments.reranker.config import RerankerArgs
from deployments.serving.last_question import LastQuestion
from deployments.serving.replica import StageReplica
from deployments.telemetry.batches import report_batches
from deployments.telemetry.ray_meter import RayMeter


class Reranker(StageReplica):
    """Judges how well texts answer a query.

    Args:
        args: `RerankerArgs` as a mapping.
        token_vectors: `TokenVectorArgs` as a mapping, where token vectors of passages are kept.
    """

    def __init__(
        self, args: dict[str, object], token_vectors: Mapping[str, object] | None = None
    ) -> None:
        self._settings = RerankerArgs.model_validate(args)
        self._scorer = build_scorer(
            self._settings,
            TokenVectorArgs.of(token_vectors),
            report_batches("reranker", RayMeter()),
        )
        self._questions = LastQuestion.of_node()
        self._warm = False

    async def rerank(
        self,
        query: str,
        texts: Sequence[str],
        *,
        question: QuestionTokens | None = None,
        call: CallContext,
    ) -> Reranked:
        """Returns a score per text, in their order; an empty list costs nothing. `question` is the
        query as the embedder's model read it, which saves a run where that is the reranker's."""
        if not texts:
            return Reranked(scores=(), prompt_tokens=0)
        if not call.background:
            self._questions.note()
        return await self._scorer.score(
            query,
            texts,
            question=question,
            timeout_s=call.timeout_s,
            background=call.background,
        )

    async def prepare(self, texts: Sequence[str], *, call: CallContext) -> None:
        """Reads passages while they are indexed, so that no question waits for it."""
        if texts:
            await self._scorer.prepare(texts, timeout_s=call.timeout_s)

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns the name of what judges, which its answers have, too, and the engine."""
        return {"model": self._scorer.model, "engine": self._settings.engine}

    async def check_health(self) -> None:
        """Runs the model once before the replica counts as ready, so that no request pays for the
        first run."""
        if not self._warm:
            await self._scorer.score("warm-up", ["warm-up " * 64], timeout_s=60.0)
            self._warm = True
