"""A cross-encoder as a scorer: it reads query and passage together."""

import asyncio
import math
import os
from collections.abc import Sequence

from deployments.batching.batcher import Batcher
from deployments.batching.queue import slowest
from deployments.contracts.errors import StageFailed
from deployments.contracts.search import Reranked
from deployments.contracts.vectors import QuestionTokens
from deployments.reranker.config import RerankerArgs
from deployments.reranker.scorer import OnBatch


class CrossEncoderScorer:
    """A sentence-transformers `CrossEncoder` by name or folder."""

    def __init__(self, settings: RerankerArgs, on_batch: OnBatch) -> None:
        import torch
        from sentence_transformers import CrossEncoder
        from tokenizers import Tokenizer

        # One batch at a time, over all cores.
        torch.set_num_threads(os.cpu_count() or 1)
        self._model_name = settings.model
        self._model = CrossEncoder(settings.model, device=settings.device)
        self._sigmoid = torch.nn.Sigmoid()
        # A copy to count with: the model's own belongs to the thread of the batch.
        self._counter = Tokenizer.from_str(self._model.tokenizer.backend_tokenizer.to_str())
        self._counter.no_padding()
        self._counter.enable_truncation(self._model.max_seq_length or 512)
        self._batcher: Batcher[tuple[str, str], float] = Batcher(
            self._predict,
            stage="reranker",
            max_batch_tokens=settings.max_batch_tokens or 4096,
            max_batch_requests=settings.max_batch_requests,
            max_queued_tokens=settings.max_queued_tokens,
            max_queue_s=settings.max_queue_s,
            on_batch=on_batch,
        )

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
        encodings = await asyncio.to_thread(self._counter.encode_batch_fast, pairs)
        token_counts = [len(encoding.ids) for encoding in encodings]
        done = await self._batcher.submit(
            pairs, token_counts=token_counts, timeout_s=timeout_s, background=background
        )
        scores = tuple(entry.value for entry in done)
        if not all(math.isfinite(score) for score in scores):
            raise StageFailed("The reranker's model gave a score that is not a number.", "reranker")
        return Reranked(
            scores=scores,
            prompt_tokens=sum(token_counts),
            model=self._model_name,
            times=slowest(done),
        )

    def _predict(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        scores = self._model.predict(
            list(pairs),
            batch_size=len(pairs),
            show_progress_bar=False,
            convert_to_numpy=True,
            # Some models give logits and some give this: one scale for thresholds.
            activation_fn=self._sigmoid,
        )
        return [float(score) for score in scores]
