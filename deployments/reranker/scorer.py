"""The engines that judge passages, behind one interface: late interaction and cross-encoder."""

import asyncio
import math
import os
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deployments.batching.batcher import Batcher, BatchReport
from deployments.batching.queue import slowest
from deployments.contracts.errors import StageFailed
from deployments.contracts.search import Reranked
from deployments.encoding.encoder import Encoder
from deployments.reranker.config import RerankerArgs
from deployments.reranker.ranking import MINOR_WEIGHT, TokenVectors, max_sim, quantize
from deployments.reranker.token_cache import TokenCache
from deployments.stop_words import STOP_WORDS

OnBatch = Callable[[BatchReport], None]


class Scorer(Protocol):
    """Scores texts against a query."""

    async def score(
        self, query: str, texts: Sequence[str], *, timeout_s: float, background: bool = False
    ) -> Reranked:
        """Returns a relevance score per text, higher is better. What is in the background waits for
        what is not."""
        ...


@dataclass(frozen=True, slots=True)
class _Text:
    """A text on its way through the model."""

    text: str
    token_ids: list[int]
    is_passage: bool = True


class LateInteractionScorer:
    """MaxSim over the token vectors of an embedding model; no weights of its own.

    The vectors of a passage do not depend on the query: they are kept and computed once.
    """

    def __init__(self, settings: RerankerArgs, on_batch: OnBatch) -> None:
        self._model_name = settings.model
        self._encoder = settings.load_encoder()
        self._cache = TokenCache(settings.cache_bytes)
        self._minor_ids = _single_tokens(self._encoder, [*STOP_WORDS, *string.punctuation])
        self._batcher: Batcher[_Text, TokenVectors] = Batcher(
            self._encode,
            stage="reranker",
            max_batch_tokens=settings.max_batch_tokens or self._encoder.batch_tokens,
            max_batch_requests=settings.max_batch_requests,
            max_queued_tokens=settings.max_queued_tokens,
            max_queue_s=settings.max_queue_s,
            concurrent_batches=self._encoder.concurrent_batches,
            computes_padding=self._encoder.computes_padding,
            on_batch=on_batch,
        )

    async def score(
        self, query: str, texts: Sequence[str], *, timeout_s: float, background: bool = False
    ) -> Reranked:
        """Returns a score in [-1, 1] per text."""
        known = {text: vectors for text in texts if (vectors := self._cache.get(text)) is not None}
        unknown = [query, *(text for text in dict.fromkeys(texts) if text not in known)]
        token_ids = await asyncio.to_thread(self._encoder.tokenize, unknown)
        done = await self._batcher.submit(
            [
                _Text(text, ids, is_passage=place > 0)
                for place, (text, ids) in enumerate(zip(unknown, token_ids, strict=True))
            ],
            token_counts=[len(ids) for ids in token_ids],
            timeout_s=timeout_s,
            background=background,
        )
        asked, *encoded = (entry.value for entry in done)
        known.update(zip(unknown[1:], encoded, strict=True))
        query_vectors, weights = asked.dequantized(), self._weights(token_ids[0])
        return Reranked(
            scores=await asyncio.to_thread(
                lambda: tuple(max_sim(query_vectors, known[text], weights) for text in texts)
            ),
            prompt_tokens=asked.tokens + sum(known[text].tokens for text in texts),
            model=self._model_name,
            times=slowest(done),
        )

    def _weights(self, token_ids: Sequence[int]) -> NDArray[np.float32]:
        """Returns how much each token of a query counts."""
        return np.array(
            [MINOR_WEIGHT if token_id in self._minor_ids else 1.0 for token_id in token_ids],
            dtype=np.float32,
        )

    def _encode(self, batch: Sequence[_Text]) -> list[TokenVectors]:
        """Returns the vectors of each text, and keeps those of passages.

        Here and not where they are asked for: what was computed is kept also when its caller has
        gone, and of many callers who wait for the same passage the first one pays.
        """
        known: dict[str, TokenVectors] = {}
        missing: dict[str, _Text] = {}
        for one in batch:
            vectors = self._cache.get(one.text)
            if vectors is not None:
                known[one.text] = vectors
            elif one.is_passage or one.text not in missing:
                missing[one.text] = one
        if missing:
            encoded = self._encoder.encode_tokens([one.token_ids for one in missing.values()])
            for one, exact in zip(missing.values(), encoded, strict=True):
                known[one.text] = quantize(exact)
                if one.is_passage:
                    self._cache.put(one.text, known[one.text])
        return [known[one.text] for one in batch]


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
        self, query: str, texts: Sequence[str], *, timeout_s: float, background: bool = False
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


def _single_tokens(encoder: Encoder, words: Sequence[str]) -> frozenset[int]:
    """Returns the ids of those words that are one token each."""
    marked = encoder.tokenize(["", *words])
    special = len(marked[0])
    found = [set(ids) - set(marked[0]) for ids in marked[1:] if len(ids) == special + 1]
    return frozenset(token_id for ids in found for token_id in ids)


def build_scorer(settings: RerankerArgs, on_batch: OnBatch = lambda report: None) -> Scorer:
    """Returns the engine that the settings name; `on_batch` is told of every run of the model."""
    if settings.engine == "cross-encoder":
        return CrossEncoderScorer(settings, on_batch)
    return LateInteractionScorer(settings, on_batch)
