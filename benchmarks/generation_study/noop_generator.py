"""A generator whose engine writes without a model, at any pace: what is measured with it is the way
of a token from the engine to the client.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from pydantic import Field
from ray import serve
from ray.serve import Application

from deployments.contracts.calls import CallContext
from deployments.contracts.generation import (
    EngineDelta,
    Events,
    GenerationRequest,
    Prompt,
    Sampling,
)
from deployments.contracts.tools import Choice
from deployments.generator.config import SamplingArgs
from deployments.generator.writing import Writer
from deployments.serving.replica import StageReplica
from deployments.settings import Settings, parse_settings

_TOKEN = " token"


class NoopArgs(Settings):
    """Settings of one such generator."""

    name: str
    """What requests call it."""

    delta_window_ms: float = Field(ge=0.0)
    """As in a generator's settings."""


class NoopEngine:
    """Writes the same token again and again; the last message is the pace in tokens per second, 0
    for as fast as it can. Satisfies `deployments.contracts.generation.Engine`."""

    is_language_model = True
    tool_choices: tuple[Choice, ...] = ()

    async def start(self) -> None:
        """Nothing is to be loaded."""

    async def count_tokens(self, prompt: Prompt) -> int:
        """Returns the number of messages."""
        return len(prompt.messages)

    @property
    def max_model_tokens(self) -> int | None:
        """There is no bound."""
        return None

    async def stream(
        self, prompt: Prompt, sampling: Sampling, *, call: CallContext
    ) -> AsyncGenerator[EngineDelta, None]:
        """Yields `max_tokens` tokens one by one."""
        tokens_per_s = float(prompt.messages[-1].content)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        prompt_tokens = len(prompt.messages)
        total = sampling.max_tokens or 1
        for number in range(1, total + 1):
            due_s = began_s + number / tokens_per_s if tokens_per_s else 0.0
            # Each token gets a turn of the loop of its own, as those of an engine do.
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            yield EngineDelta(
                _TOKEN,
                completion_tokens=1,
                finish_reason="length" if number == total else None,
                prompt_tokens=prompt_tokens,
            )

    async def reach(self, *, timeout_s: float) -> None:
        """There is nothing outside."""

    async def check_health(self) -> None:
        """It is always well."""

    async def close(self) -> None:
        """It holds nothing."""


class Generator(StageReplica):
    """The generator's shell around it.

    Args:
        args: `NoopArgs` as a mapping.
    """

    def __init__(self, args: dict[str, object]) -> None:
        self._settings = NoopArgs.model_validate(args)
        self._writer = Writer(
            NoopEngine(),
            model=self._settings.name,
            defaults=SamplingArgs(),
            window_s=self._settings.delta_window_ms / 1e3,
        )

    def stream(self, request: GenerationRequest, *, call: CallContext) -> Events:
        """Returns the answer's events."""
        return self._writer.stream(request, call=call)

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns its name, and that it writes piece by piece."""
        return {"model": self._settings.name, "language_model": True}


def build_generator(args: dict[str, Any]) -> Application:
    """Returns the application of such a generator."""
    settings = parse_settings(NoopArgs, args, place="args")
    return serve.deployment(name="Generator")(Generator).bind(settings.model_dump())
