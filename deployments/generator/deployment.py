"""The generator's shell."""

import asyncio
from collections.abc import Sequence

from deployments.contracts import CallContext, Generation, ScoredChunk
from deployments.generator.config import GeneratorArgs
from deployments.generator.extractive import ExtractiveEngine
from deployments.stage import StageReplica


class Generator(StageReplica):
    """Writes the answer from the question and its context.

    Args:
        args: `GeneratorArgs` as a mapping.
    """

    def __init__(self, args: dict[str, object]) -> None:
        self._settings = GeneratorArgs.model_validate(args)
        self._engine = ExtractiveEngine(
            model=self._settings.name,
            max_sentences=self._settings.max_sentences,
            min_coverage_ratio=self._settings.min_coverage_ratio,
        )

    async def generate(
        self, question: str, context: Sequence[ScoredChunk], *, call: CallContext
    ) -> Generation:
        """Returns the answer; an empty context gives an answer that says so."""
        return await asyncio.to_thread(self._engine.generate, question, context)

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns the model's name and the engine."""
        return {"model": self._settings.name, "engine": self._settings.engine}
