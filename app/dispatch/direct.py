"""A generator asked under its own name: no release, no fallback, no evidence."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from app.answering.pipeline import Answer, AnswerStream, generate, stream
from app.dispatch.dispatcher import Served
from app.request.attempt import Trail
from app.request.scope import RequestScope
from deployments.contracts.generation import (
    GenerationEvent,
    GenerationRequest,
    GeneratorStage,
    Message,
)


async def answer_plain(
    request: GenerationRequest, generator: GeneratorStage, scope: RequestScope
) -> Served[Answer]:
    """Returns what the generator wrote."""
    trail = _note_begin(request, scope)
    written = scope.notes.written = await generate(request, generator, scope, trail)
    return Served(Answer(written, ()), None, scope, trail)


async def begin_plain(
    request: GenerationRequest, generator: GeneratorStage, scope: RequestScope, *, timeout_s: float
) -> Served[AnswerStream]:
    """Returns what the generator writes as a stream that has begun; `timeout_s` is the time until
    its end."""
    trail = _note_begin(request, scope)
    events = await stream(request, generator, scope, trail, timeout_s=timeout_s)
    return Served(AnswerStream(_noted(events, scope)), None, scope, trail)


async def _noted(
    events: AsyncGenerator[Sequence[GenerationEvent], None], scope: RequestScope
) -> AsyncGenerator[Sequence[GenerationEvent], None]:
    async with aclosing(events):
        async for some in events:
            scope.notes.hear(some)
            yield some


def _note_begin(request: GenerationRequest, scope: RequestScope) -> Trail:
    scope.notes.messages = request.messages or (Message("user", request.text or ""),)
    trail = scope.notes.trail = Trail()
    return trail
