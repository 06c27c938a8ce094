"""A generator asked under its own name: no release, no fallback, no evidence."""

from app.dispatch import Served
from app.pipeline import Answer, AnswerStream, generate, stream
from app.request_scope import RequestScope
from app.trail import Trail
from deployments.generation import GenerationRequest, GeneratorStage


async def answer_plain(
    request: GenerationRequest, generator: GeneratorStage, scope: RequestScope
) -> Served[Answer]:
    """Returns what the generator wrote."""
    trail = Trail()
    scope.notes.trail = trail
    written = scope.notes.written = await generate(request, generator, scope, trail)
    return Served(Answer(written, ()), None, scope, trail)


async def begin_plain(
    request: GenerationRequest, generator: GeneratorStage, scope: RequestScope, *, timeout_s: float
) -> Served[AnswerStream]:
    """Returns what the generator writes as a stream that has begun; `timeout_s` is the time until
    its end."""
    trail = scope.notes.trail = Trail()
    events = await stream(request, generator, scope, trail, timeout_s=timeout_s)
    return Served(AnswerStream(events), None, scope, trail)
