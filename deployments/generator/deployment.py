"""The generator's shell."""

import asyncio
from contextlib import suppress

from deployments.contracts.calls import CallContext
from deployments.contracts.generation import Events, GenerationRequest
from deployments.generator.config import GeneratorArgs
from deployments.generator.engines import make_engine
from deployments.generator.prompting import prompt_names
from deployments.generator.writing import Writer
from deployments.serving.replica import StageReplica

_REACH_TIMEOUT_S = 1.0


class Generator(StageReplica):
    """Writes the answer from a conversation and its context.

    Args:
        args: `GeneratorArgs` as a mapping.
    """

    # Serve awaits a constructor that is a coroutine: an engine needs the running loop.
    async def __init__(self, args: dict[str, object]) -> None:  # type: ignore[misc]
        self._settings = GeneratorArgs.model_validate(args)
        self._engine = make_engine(self._settings)
        await self._engine.start()
        self._writer = Writer(
            self._engine,
            model=self._settings.name,
            defaults=self._settings.sampling,
            window_s=self._settings.delta_window_ms / 1e3,
        )

    def stream(self, request: GenerationRequest, *, call: CallContext) -> Events:
        """Returns the answer's events; closing them frees the engine before it returns."""
        return self._writer.stream(request, call=call)

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns the model's name, the engine, its window in tokens, and the prompts there are.

        `language_model` says whether it can write without a context, and piece by piece;
        `tool_choices` by whose choice it calls functions, `temperature` how it samples where a
        request does not say, None where the model itself does; `fingerprint` is equal for equal
        settings.

        Raises:
            StageError: the engine is dead, or the server that it asks.
        """
        await self._engine.check_health()
        await self._engine.reach(timeout_s=min(call.timeout_s / 2, _REACH_TIMEOUT_S))
        return {
            "model": self._settings.name,
            "engine": self._settings.engine,
            "max_model_tokens": self._engine.max_model_tokens,
            "language_model": self._engine.is_language_model,
            "tool_choices": list(self._engine.tool_choices),
            "prompts": list(prompt_names()),
            "temperature": self._settings.default_temperature,
            "fingerprint": self._settings.fingerprint(),
        }

    async def check_health(self) -> None:
        """Raises when the engine is dead; Serve then starts another replica."""
        await self._engine.check_health()

    def __del__(self) -> None:
        """Serve calls it when the replica stops; later there is no loop any more, and no engine."""
        with suppress(RuntimeError, AttributeError):
            asyncio.get_running_loop().create_task(self._engine.close())
