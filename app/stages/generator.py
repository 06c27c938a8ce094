"""A generator over a Serve handle."""

import time
from contextlib import aclosing
from dataclasses import replace
from typing import cast

from app.request.waiting import note_call
from app.settings.cold.gateway import GatewayArgs
from app.stages.breaker import Breakers
from app.stages.handle import StageHandle
from deployments.contracts.calls import CallContext
from deployments.contracts.generation import (
    Events,
    Generation,
    GenerationEvent,
    GenerationRequest,
    Started,
)


class GeneratorClient(StageHandle):
    """`GeneratorStage` over a handle.

    A language model is asked alone and by a stream, even for a whole answer: answers that travel
    together come back together, and one takes seconds longer than another. What answers at once
    is asked like any other stage.

    Args:
        application: Name of its application.
        args: See `StageHandle`, and the time between two pieces of an answer.
        breakers: See `StageHandle`.
    """

    def __init__(self, application: str, args: GatewayArgs, breakers: Breakers) -> None:
        super().__init__(application, "Generator", args, breakers)
        self._inter_token_timeout_s = args.inter_token_timeout_s

    async def stream(
        self, request: GenerationRequest, *, call: CallContext, begin_timeout_s: float
    ) -> Events:
        """See `GeneratorStage.stream`."""
        started_s = time.perf_counter()
        begin = replace(call, timeout_s=min(call.timeout_s, begin_timeout_s))
        if not (await self.description(call=begin)).get("language_model"):
            batches = await self.call("stream", request, call=begin, weight=1)
            events = tuple(event for batch in batches for event in batch)
            note_call(time.perf_counter() - started_s, cast(Generation, events[-1]).times)
            yield events
            return
        pieces = self.call_stream(
            "stream",
            request,
            call=call,
            begin_timeout_s=begin.timeout_s,
            next_timeout_s=self._inter_token_timeout_s,
        )
        async with aclosing(pieces):
            async for piece in pieces:
                first: GenerationEvent = piece[0]
                if isinstance(first, Started):
                    note_call(time.perf_counter() - started_s, first.times)
                yield piece
