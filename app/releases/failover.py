"""Several generators behind one name: the next one answers when one cannot, until there is a first
token.

Each target has a circuit breaker: one that failed several times in a row is not asked for a while.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState
from purgatory.service._async.circuitbreaker import AsyncCircuitBreaker

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import (
    DeadlineExceeded,
    Overloaded,
    RequestError,
    StageError,
    Unavailable,
)
from deployments.contracts.generation import (
    Generation,
    GenerationEvent,
    GenerationRequest,
    GeneratorStage,
)

_FAILURES_IN_A_ROW = 5
_REST_S = 5.0
"""Time that a target is left alone: less than an engine needs to come back, so that it is found
soon after."""
# The caller's fault, the caller's leaving, and a full queue say nothing of a target's health.
_NO_FAILURE = [RequestError, Overloaded, asyncio.CancelledError, GeneratorExit]


class Breakers:
    """The circuit breakers of one gateway replica, one per application."""

    def __init__(self) -> None:
        self._factory = AsyncCircuitBreakerFactory(
            default_threshold=_FAILURES_IN_A_ROW, default_ttl=_REST_S, exclude=list(_NO_FAILURE)
        )

    async def of(self, application: str) -> AsyncCircuitBreaker:
        """Returns the breaker of an application, an async context manager around each call."""
        return await self._factory.get_breaker(application)


class GeneratorChain:
    """`GeneratorStage` over one or more targets, the preferred one first.

    Args:
        targets: Applications and their generators.
        breakers: Those of this replica.
        first_token_timeout_s: Time a target has until its first token, while another one follows.
    """

    def __init__(
        self,
        targets: Sequence[tuple[str, GeneratorStage]],
        breakers: Breakers,
        first_token_timeout_s: float,
    ) -> None:
        self._targets = targets
        self._breakers = breakers
        self._first_token_timeout_s = first_token_timeout_s

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """See `Stage.describe`: what the first target that answers says."""
        for _, target in self._targets[:-1]:
            try:
                return await target.describe(call=call)
            except StageError:
                continue
        return await self._targets[-1][1].describe(call=call)

    async def generate(self, request: GenerationRequest, *, call: CallContext) -> Generation:
        """See `GeneratorStage.generate`."""
        async with aclosing(self.stream(request, call=call)) as events:
            async for some in events:
                if isinstance(some[-1], Generation):
                    return some[-1]
        raise AssertionError("a stream ends with its Generation or an error")

    async def stream(
        self, request: GenerationRequest, *, call: CallContext
    ) -> AsyncGenerator[Sequence[GenerationEvent], None]:
        """See `GeneratorStage.stream`. The Generation says how many targets were passed over."""
        deadline_s = asyncio.get_running_loop().time() + call.timeout_s
        for place, (application, target) in enumerate(self._targets):
            left_s = deadline_s - asyncio.get_running_loop().time()
            is_last = place == len(self._targets) - 1
            patience_s = left_s if is_last else min(self._first_token_timeout_s, left_s / 2)
            own = replace(call, timeout_s=left_s)
            begun = False
            try:
                async with await self._breakers.of(application):
                    events = target.stream(request, call=own)
                    async with aclosing(events):
                        first = await _first(events, patience_s)
                        begun = True
                        yield _mark(first, passed_over=place)
                        async for some in events:
                            yield _mark(some, passed_over=place)
                return
            except OpenedState as error:
                if is_last:
                    raise Unavailable(
                        "The generator failed several times and is left alone for a moment.",
                        "generator",
                        _REST_S,
                    ) from error
            except StageError:
                if is_last or begun:
                    raise


async def _first(
    events: AsyncGenerator[Sequence[GenerationEvent], None], patience_s: float
) -> Sequence[GenerationEvent]:
    try:
        async with asyncio.timeout(patience_s):
            return await anext(events)
    except TimeoutError as error:
        raise DeadlineExceeded("The generator did not begin in time.", "generator") from error


def _mark(some: Sequence[GenerationEvent], passed_over: int) -> Sequence[GenerationEvent]:
    last = some[-1]
    if passed_over and isinstance(last, Generation):
        return *some[:-1], replace(last, passed_over=passed_over)
    return some
