"""What a generator writes, as a stream that has begun, measured on its way."""

import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from app.releases.failover import GeneratorChain
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from deployments.contracts.generation import Events, Generation, GenerationRequest
from deployments.contracts.search import ScoredChunk
from deployments.serving.begun import begin


@dataclass(frozen=True, slots=True)
class Answer:
    """The generated text, and the chunks that were found for it, best first."""

    generation: Generation
    sources: tuple[ScoredChunk, ...]


@dataclass(frozen=True, slots=True)
class AnswerStream:
    """An answer that has begun: its first events are there, so nothing can change its status.

    `events` must be closed by whoever reads it; that frees the engine. `sources` may grow until
    they end, where the language model itself searches.
    """

    events: Events
    sources: Sequence[ScoredChunk] = ()


async def answer_from_generator(
    request: GenerationRequest,
    generator: GeneratorChain,
    scope: RequestScope,
    record: AttemptRecord,
    *,
    timeout_s: float,
) -> AnswerStream:
    """Returns what a generator writes, or has written for the same prompt, once it has begun;
    `timeout_s` is the time until its end."""
    fresh = partial(written, request, generator, scope, record, timeout_s)
    events = scope.cache.written(request, generator, record, scope.call(), fresh)
    return AnswerStream(await begin(events))


async def written(
    request: GenerationRequest,
    generator: GeneratorChain,
    scope: RequestScope,
    record: AttemptRecord,
    timeout_s: float,
) -> Events:
    """Yields what a generator writes."""
    started_s = time.perf_counter()
    async with record.timed("generator") as spent:
        before_ms = spent.total_ms
        events = await generator.begin(request, call=scope.call(), timeout_s=timeout_s)
        async with aclosing(events):
            async for batch in events:
                if isinstance(whole := batch[-1], Generation):
                    spent.note(whole.times)
                    # The last event tells the times, before this block has ended.
                    spent.total_ms = before_ms + (time.perf_counter() - started_s) * 1e3
                    if whole.passed_over:
                        record.degraded.append("generator")
                yield batch
