"""The embedder's shell: a plain class that Serve replicates."""

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deployments.batching.batcher import Batcher
from deployments.batching.queue import slowest
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import StageFailed
from deployments.contracts.search import Embedded, InputType
from deployments.embedder.config import EmbedderArgs
from deployments.serving.replica import StageReplica
from deployments.telemetry.batches import report_batches
from deployments.telemetry.ray_meter import RayMeter

_INLINE_CHARS = 4000
"""Tokenising less than this takes less time than asking a thread to do it."""


class Embedder(StageReplica):
    """Embeds texts; concurrent calls share the model's batches.

    Args:
        args: `EmbedderArgs` as a mapping, because Serve ships constructor arguments as plain data.
    """

    def __init__(self, args: dict[str, object]) -> None:
        settings = EmbedderArgs.model_validate(args)
        self._encoder = settings.load_encoder()
        self._batcher: Batcher[list[int], NDArray[np.float32]] = Batcher(
            lambda token_ids: list(self._encoder.encode(token_ids)),
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
        self, texts: Sequence[str], *, input_type: InputType, call: CallContext
    ) -> Embedded:
        """Returns one vector per text. A text beyond the model's window is cut to it. Questions go
        before documents, and before questions that nobody waits for."""
        token_ids = await self._tokenize(texts, self._encoder.prompts.get(input_type, ""))
        token_counts = tuple(len(ids) for ids in token_ids)
        done = await self._batcher.submit(
            token_ids,
            token_counts=token_counts,
            timeout_s=call.timeout_s,
            background=input_type == "document" or call.background,
        )
        return Embedded(
            vectors=np.stack([entry.value for entry in done]),
            token_counts=token_counts,
            model=self._encoder.model,
            times=slowest(done),
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
