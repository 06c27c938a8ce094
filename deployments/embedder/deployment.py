"""The embedder's shell: a plain class that Serve replicates."""

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np

from deployments.batching.batcher import Batcher
from deployments.batching.queue import slowest
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import ConfigError, StageFailed
from deployments.contracts.search import Embedded, InputType
from deployments.contracts.vectors import QuestionTokens
from deployments.embedder.config import EmbedderArgs
from deployments.embedder.encoding import Encoded, Tokens, encode
from deployments.encoding.config import TokenVectorArgs
from deployments.serving.last_question import LastQuestion
from deployments.serving.replica import StageReplica
from deployments.telemetry.batches import report_batches
from deployments.telemetry.ray_meter import RayMeter

_INLINE_CHARS = 4000
"""Tokenising less than this takes less time than asking a thread to do it."""


class Embedder(StageReplica):
    """Embeds texts; concurrent calls share the model's batches.

    Args:
        args: `EmbedderArgs` as a mapping, because Serve ships constructor arguments as plain data.
        token_vectors: `TokenVectorArgs` as a mapping, where a reranker compares token vectors of
            the same model: passages' are kept for it, and it is handed those of questions.
    """

    def __init__(
        self, args: dict[str, object], token_vectors: Mapping[str, object] | None = None
    ) -> None:
        settings = EmbedderArgs.model_validate(args)
        self._encoder = settings.load_encoder()
        if not self._encoder.embeds:
            raise ConfigError(
                f"'{settings.model}' has vectors of tokens alone, and does not say how they are"
                " pooled: it is no embedding model, or needs 1_Pooling/config.json, as"
                " sentence-transformers writes it."
            )
        self._questions = LastQuestion.of_node()
        self._is_shared = token_vectors is not None
        self._files = TokenVectorArgs.of(token_vectors).open_files(self._encoder.digest)
        self._batcher: Batcher[Tokens, Encoded] = Batcher(
            lambda batch: encode(self._encoder, batch),
            stage="embedder",
            max_batch_tokens=settings.max_batch_tokens or self._encoder.batch_tokens,
            max_batch_requests=settings.max_batch_requests,
            max_queued_tokens=settings.max_queued_tokens,
            max_queue_s=settings.max_queue_s,
            concurrent_batches=self._encoder.concurrent_batches,
            computes_padding=self._encoder.computes_padding,
            on_batch=report_batches("embedder", RayMeter()),
        )

    async def embed(
        self,
        texts: Sequence[str],
        *,
        input_type: InputType,
        with_tokens: bool = False,
        call: CallContext,
    ) -> Embedded:
        """Returns one vector per text. A text beyond the model's window is cut to it. Questions go
        before documents, and before questions that nobody waits for."""
        is_document = input_type == "document"
        background = is_document or call.background
        if not background:
            self._questions.note()
        prompt = self._encoder.prompts.get(input_type, "")
        token_ids = await self._tokenize(texts, prompt)
        files = self._files if is_document else None
        # A reranker reads texts as they are.
        as_it_is = not prompt and self._encoder.reads_alike
        with_tokens = self._is_shared and as_it_is and (with_tokens or files is not None)
        done = await self._batcher.submit(
            [Tokens(ids, with_tokens) for ids in token_ids],
            token_counts=[len(ids) for ids in token_ids],
            timeout_s=call.timeout_s,
            background=background,
        )
        encoded = [entry.value for entry in done]
        if files is not None and with_tokens:
            tokens = {
                text: one.tokens
                for text, one in zip(texts, encoded, strict=True)
                if one.tokens is not None
            }
            # Before anybody can find the passages.
            await asyncio.to_thread(files.put, tokens)
        return Embedded(
            vectors=np.stack([one.vector for one in encoded]),
            token_counts=tuple(len(ids) for ids in token_ids),
            model=self._encoder.model,
            times=slowest(done),
            questions=()
            if is_document
            else tuple(
                QuestionTokens(text, tuple(ids), one.tokens, self._encoder.digest)
                for text, ids, one in zip(texts, token_ids, encoded, strict=True)
                if one.tokens is not None
            ),
        )

    async def _tokenize(self, texts: Sequence[str], prompt: str) -> list[list[int]]:
        """Returns the token ids of each text, while the model works on the batch before."""
        if sum(map(len, texts)) < _INLINE_CHARS:
            return self._encoder.tokenize(texts, prompt=prompt)
        return await asyncio.to_thread(self._encoder.tokenize, texts, prompt=prompt)

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns what clients may know of the model: its name, dimension and window."""
        return {
            "model": self._encoder.model,
            "dimension": self._encoder.dimension,
            "max_tokens": self._encoder.max_tokens,
        }

    def check_health(self) -> None:
        """Raises when the model cannot run; local on purpose, so that a dead store restarts nothing
        here."""
        if self._encoder.dimension <= 0:
            raise StageFailed("The embedding model has no output dimension.", "embedder")
