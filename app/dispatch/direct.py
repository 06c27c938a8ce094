"""A generator asked under its own name: no release, no fallback, no evidence."""

from contextlib import aclosing
from dataclasses import replace

from app.answering.written import AnswerStream, answer_from_generator
from app.dispatch.dispatcher import Served
from app.moderation.moderator import Moderator
from app.releases.failover import GeneratorChain
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from deployments.contracts.generation import Events, GenerationRequest, Message
from deployments.serving.begun import begin


async def begin_direct(
    request: GenerationRequest,
    generator: GeneratorChain,
    scope: RequestScope,
    moderator: Moderator,
    *,
    timeout_s: float,
    whole: bool,
) -> Served[AnswerStream]:
    """Returns what the generator writes as a stream that has begun.

    Args:
        request: What is wanted.
        generator: Who writes.
        scope: The request.
        moderator: Says what of it may go out.
        timeout_s: Time until the end.
        whole: Whether the client gets all of it at once.
    """
    scope.notes.messages = request.messages or (Message("user", request.text or ""),)
    record = scope.notes.attempt = AttemptRecord()
    begun = await answer_from_generator(request, generator, scope, record, timeout_s=timeout_s)
    begun = moderator.guard(begun, scope, None, record, whole=whole)
    noted = await begin(_noted(begun.events, scope))
    return Served(replace(begun, events=noted), None, record)


async def _noted(events: Events, scope: RequestScope) -> Events:
    async with aclosing(events):
        async for batch in events:
            scope.notes.hear(batch)
            yield batch
