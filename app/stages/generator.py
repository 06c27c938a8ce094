"""A generator over a Serve handle."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import cast

from app.request.waiting import note_wait
from app.stages.handle import StageHandle
from deployments.contracts.calls import CallContext
from deployments.contracts.generation import (
    Generation,
    GenerationEvent,
    GenerationRequest,
    Started,
    TextDelta,
)

_FACTS_S = 10.0
"""What a generator said of itself is believed for so long."""


class GeneratorClient(StageHandle):
    """`GeneratorStage` over a handle.

    A language model is asked alone and by a stream, even for a whole answer: answers that travel
    together come back together, and one takes seconds longer than another. What answers at once
    is asked like any other stage.

    Args:
        application: Name of its application.
        max_calls: See `StageHandle`.
        inter_token_timeout_s: Time between two pieces of an answer.
    """

    def __init__(self, application: str, max_calls: int, inter_token_timeout_s: float) -> None:
        super().__init__(application, "Generator", max_calls)
        self._inter_token_timeout_s = inter_token_timeout_s
        self._facts: dict[str, object] = {}
        self._facts_until_s = 0.0

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """See `Stage.describe`; asks at most every few seconds."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._facts_until_s:
            self._facts = await super().describe(call=call)
            self._facts_until_s = now_s + _FACTS_S
        return self._facts

    async def generate(self, request: GenerationRequest, *, call: CallContext) -> Generation:
        """See `GeneratorStage.generate`."""
        if not await self._streams(call):
            return cast(Generation, await self.call("generate", request, call=call, weight=1))
        async with aclosing(self._events(request, call)) as events:
            async for some in events:
                if isinstance(some[-1], Generation):
                    return some[-1]
        raise AssertionError("a stream ends with its Generation or an error")

    async def stream(
        self, request: GenerationRequest, *, call: CallContext
    ) -> AsyncGenerator[Sequence[GenerationEvent], None]:
        """See `GeneratorStage.stream`."""
        if not await self._streams(call):
            yield as_events(await self.call("generate", request, call=call, weight=1))
            return
        async with aclosing(self._events(request, call)) as events:
            async for some in events:
                yield some

    async def _streams(self, call: CallContext) -> bool:
        return bool((await self.describe(call=call)).get("language_model"))

    async def _events(
        self, request: GenerationRequest, call: CallContext
    ) -> AsyncGenerator[Sequence[GenerationEvent], None]:
        started_s = time.perf_counter()
        pieces = self.call_stream(
            "stream", request, call=call, next_timeout_s=self._inter_token_timeout_s
        )
        async with aclosing(pieces):
            async for some in pieces:
                if isinstance(some[0], Started):
                    times = some[0].times
                    worked_s = (times.replica_ms - times.queue_ms) / 1e3
                    note_wait(time.perf_counter() - started_s - worked_s)
                yield some


def as_events(written: Generation) -> tuple[GenerationEvent, ...]:
    """Returns an answer that came whole as the events of a stream."""
    return (
        Started(
            written.model,
            written.prompt_tokens,
            written.cached_tokens,
            written.prompt,
            written.context,
            written.times,
        ),
        TextDelta(written.text, written.completion_tokens, written.logprobs, written.citations),
        written,
    )
