"""The engines that judge passages, behind one interface: late interaction and cross-encoder."""

import math
import os
from collections.abc import Sequence
from typing import Protocol

from deployments.batching.batcher import Batcher
from deployments.contracts import Reranked
from deployments.encoding.encoder import Encoder
from deployments.errors import StageFailed
from deployments.reranker.config import RerankerArgs
from deployments.reranker.ranking import max_sim


class Scorer(Protocol):
    """Scores texts against a query."""

    async def score(self, query: str, texts: Sequence[str], *, timeout_s: float) -> Reranked:
        """Returns a relevance score per text, higher is better."""
        ...


class LateInteractionScorer:
    """MaxSim over the token vectors of an embedding model; no weights of its own."""

    def __init__(self, settings: RerankerArgs) -> None:
        self._model_name = settings.model
        self._encoder = Encoder(
            settings.model,
            device=settings.device,
            precision=settings.precision,
            threads=settings.threads,
        )
        self._batcher = Batcher(
            self._encoder.encode_tokens,
            stage="reranker",
            concurrent_batches=self._encoder.concurrent_batches,
            max_batch_tokens=settings.max_batch_tokens,
            max_batch_requests=settings.max_batch_requests,
            max_queued_tokens=settings.max_queued_tokens,
        )

    async def score(self, query: str, texts: Sequence[str], *, timeout_s: float) -> Reranked:
        """Returns a score in [-1, 1] per text."""
        token_ids = self._encoder.tokenize([query, *texts])
        token_counts = [len(ids) for ids in token_ids]
        done = await self._batcher.submit(token_ids, token_counts=token_counts, timeout_s=timeout_s)
        query_vectors, *passages = (entry.value for entry in done)
        return Reranked(
            scores=tuple(max_sim(query_vectors, passage) for passage in passages),
            prompt_tokens=sum(token_counts),
            model=self._model_name,
            queue_ms=max(entry.queue_ms for entry in done),
            inference_ms=max(entry.inference_ms for entry in done),
        )


class CrossEncoderScorer:
    """A sentence-transformers `CrossEncoder` by name or folder."""

    def __init__(self, settings: RerankerArgs) -> None:
        import torch
        from sentence_transformers import CrossEncoder

        # One batch at a time, over all cores: two threads must not share its tokenizer.
        torch.set_num_threads(os.cpu_count() or 1)
        self._model_name = settings.model
        self._model = CrossEncoder(settings.model, device=settings.device)
        self._batcher: Batcher[tuple[str, str], float] = Batcher(
            self._predict,
            stage="reranker",
            max_batch_tokens=settings.max_batch_tokens,
            max_batch_requests=settings.max_batch_requests,
            max_queued_tokens=settings.max_queued_tokens,
        )

    async def score(self, query: str, texts: Sequence[str], *, timeout_s: float) -> Reranked:
        """Returns the model's score per text; its range is the model's own."""
        pairs = [(query, text) for text in texts]
        window = self._model.max_length or 512
        ids = self._model.tokenizer([query] * len(texts), list(texts), truncation=True)["input_ids"]
        token_counts = [min(len(row), window) for row in ids]
        done = await self._batcher.submit(pairs, token_counts=token_counts, timeout_s=timeout_s)
        scores = tuple(entry.value for entry in done)
        if not all(math.isfinite(score) for score in scores):
            raise StageFailed("The reranker's model gave a score that is not a number.", "reranker")
        return Reranked(
            scores=scores,
            prompt_tokens=sum(token_counts),
            model=self._model_name,
            queue_ms=max(entry.queue_ms for entry in done),
            inference_ms=max(entry.inference_ms for entry in done),
        )

    def _predict(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        scores = self._model.predict(
            list(pairs), batch_size=len(pairs), show_progress_bar=False, convert_to_numpy=True
        )
        return [float(score) for score in scores]


def build_scorer(settings: RerankerArgs) -> Scorer:
    """Returns the engine that the settings name."""
    if settings.engine == "cross-encoder":
        return CrossEncoderScorer(settings)
    return LateInteractionScorer(settings)
