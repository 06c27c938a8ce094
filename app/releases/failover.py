"""Several generators behind one name: the next one answers when one cannot, until there is a first
token."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import StageError
from deployments.contracts.generation import (
    Events,
    Generation,
    GenerationEvent,
    GenerationRequest,
    GeneratorStage,
)
from deployments.contracts.tools import ToolUse
from deployments.serving.begun import begin


class _Describe(Protocol):
    async def __call__(self, *, call: CallContext) -> dict[str, object]: ...


class GeneratorChain:
    """One or more generators, the preferred one first.

    Args:
        targets: Who is asked, in this order.
        first_token_timeout_s: Time a target has until its first token, while another one follows.
    """

    def __init__(self, targets: Sequence[GeneratorStage], first_token_timeout_s: float) -> None:
        self._targets = targets
        self._first_token_timeout_s = first_token_timeout_s

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """See `Stage.describe`: what the first target that answers says."""
        return await self._first([target.describe for target in self._targets], call)

    async def description(self, *, call: CallContext) -> dict[str, object]:
        """See `Stage.description`."""
        return await self._first([target.description for target in self._targets], call)

    async def _first(self, asks: Sequence[_Describe], call: CallContext) -> dict[str, object]:
        for ask in asks[:-1]:
            try:
                return await ask(call=call)
            except StageError:
                continue
        return await asks[-1](call=call)

    async def begin(
        self, request: GenerationRequest, *, call: CallContext, timeout_s: float
    ) -> Events:
        """Returns the answer of the first target that begins one, its first events there already.

        While another target follows, one has at most half of what is left, however long it may
        take by itself: an answer that comes late is no answer.

        Args:
            request: What to write. Where it offers functions, only who calls them is asked.
            call: The request, and the time until the first events.
            timeout_s: Time until the end of the answer.

        Raises:
            RequestError: the request cannot be honoured.
            StageError: what the last target failed with.
        """
        now_s = asyncio.get_running_loop().time
        started_s = now_s()
        targets = await self._able(request.tools, call)
        for place, target in enumerate(targets):
            spent_s = now_s() - started_s
            left_s = call.timeout_s - spent_s
            is_last = place == len(targets) - 1
            events = target.stream(
                request,
                call=replace(call, timeout_s=timeout_s - spent_s),
                begin_timeout_s=(
                    left_s if is_last else min(self._first_token_timeout_s, left_s / 2)
                ),
            )
            try:
                return await begin(_marked(events, passed_over=place) if place else events)
            except StageError:
                if is_last:
                    raise
        raise AssertionError("a chain has at least one target")

    async def honours(self, tools: ToolUse, *, call: CallContext) -> bool:
        """Returns whether any target calls functions by this choice, as far as is known."""
        return any([await self._honours(target, tools, call) for target in self._targets])

    async def able(self, tools: ToolUse, *, call: CallContext) -> "GeneratorChain":
        """Returns the targets that honour a choice of functions, or the first one, as a chain: for
        answers of several rounds, of which some offer none."""
        return GeneratorChain(await self._able(tools, call), self._first_token_timeout_s)

    async def _able(self, tools: ToolUse, call: CallContext) -> Sequence[GeneratorStage]:
        """Returns the targets that call functions where any are to be called. Where none does, the
        first one is left to refuse the request in its own words."""
        if not tools or len(self._targets) == 1:
            return self._targets
        able = [one for one in self._targets if await self._honours(one, tools, call)]
        return able or self._targets[:1]

    async def _honours(self, target: GeneratorStage, tools: ToolUse, call: CallContext) -> bool:
        """Returns whether a target calls functions by this choice; one that does not say, since it
        is away, may."""
        timeout_s = min(self._first_token_timeout_s, call.timeout_s / 2)
        try:
            facts = await target.description(call=replace(call, timeout_s=timeout_s))
        except StageError:
            return True
        choices = facts.get("tool_choices")
        return isinstance(choices, list | tuple) and tools.choice in choices


async def _marked(events: Events, passed_over: int) -> Events:
    """Yields the events; the Generation says how many targets were passed over."""
    async with aclosing(events):
        async for batch in events:
            yield _mark(batch, passed_over)


def _mark(batch: Sequence[GenerationEvent], passed_over: int) -> Sequence[GenerationEvent]:
    last = batch[-1]
    if isinstance(last, Generation):
        return *batch[:-1], replace(last, passed_over=passed_over)
    return batch
