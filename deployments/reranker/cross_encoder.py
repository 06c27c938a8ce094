"""A cross-encoder as a scorer: it reads query and passage together."""

import asyncio
import math
from collections.abc import Sequence
from typing import Any

from deployments.batching.batcher import Batcher
from deployments.batching.queue import slowest
from deployments.contracts.errors import StageFailed
from deployments.contracts.search import Reranked
from deployments.contracts.vectors import QuestionTokens
from deployments.encoding.config import EncodingArgs
from deployments.reranker.pair_model import load_pair_model
from deployments.reranker.scorer import OnBatch


class CrossEncoderScorer:
    """A sentence-transformers `CrossEncoder`, or a folder with an ONNX graph of one."""

    def __init__(self, settings: EncodingArgs, on_batch: OnBatch) -> None:
        self.model = settings.model
        self._model = load_pair_model(settings)
        self._batcher: Batcher[Any, float] = Batcher(
            lambda batch: self._model.predict(batch),
            stage="reranker",
            max_batch_tokens=settings.max_batch_tokens or self._model.batch_tokens,
            max_batch_requests=settings.max_batch_requests,
            max_queued_tokens=settings.max_queued_tokens,
            max_queue_s=settings.max_queue_s,
            concurrent_batches=self._model.concurrent_batches,
            computes_padding=self._model.computes_padding,
            on_batch=on_batch,
        )

    async def prepare(self, texts: Sequence[str], *, timeout_s: float) -> None:
        """Does nothing: a passage says nothing here without its query."""

    async def score(
        self,
        query: str,
        texts: Sequence[str],
        *,
        question: QuestionTokens | None = None,
        timeout_s: float,
        background: bool = False,
    ) -> Reranked:
        """Returns a score in [0, 1] per text."""
        pairs = [(query, text) for text in texts]
        read = await asyncio.to_thread(self._model.tokenize, pairs)
        token_counts = [count for _, count in read]
        done = await self._batcher.submit(
            [entry for entry, _ in read],
            token_counts=token_counts,
            timeout_s=timeout_s,
            background=background,
        )
        scores = tuple(entry.value for entry in done)
        if not all(math.isfinite(score) for score in scores):
            raise StageFailed("The reranker's model gave a score that is not a number.", "reranker")
        return Reranked(
            scores=scores,
            prompt_tokens=sum(token_counts),
            model=self.model,
            times=slowest(done),
        )
