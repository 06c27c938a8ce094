"""The story of one answer: a question that stands alone, the chunks that fit it, the text written
from them. No HTTP, no Ray."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from app.answering.condense import query_by_rule, usable_query, user_texts
from app.answering.model_step import ask_model
from app.answering.neighbours import neighbour_ids, widen
from app.answering.question import Question
from app.answering.search import search
from app.releases.route import Route
from app.request.attempt import Trail
from app.request.scope import RequestScope
from app.settings.release import DEFAULT_MIN_RELEVANCE_SCORE, Release
from deployments.contracts.errors import DeadlineExceeded, StageError
from deployments.contracts.generation import (
    Generation,
    GenerationEvent,
    GenerationRequest,
    GeneratorStage,
    Message,
    Sampling,
)
from deployments.contracts.search import ScoredChunk

_CONDENSE_SAMPLING = Sampling(max_tokens=64, temperature=0.0)
_FOLLOW_UP_TURNS = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """The generated text, and the chunks that were found for it, best first."""

    generation: Generation
    sources: tuple[ScoredChunk, ...]


@dataclass(frozen=True, slots=True)
class AnswerStream:
    """An answer that has begun: its first events are there, so nothing can change its status.

    `events` must be closed by whoever reads it; that frees the engine.
    """

    events: AsyncGenerator[Sequence[GenerationEvent], None]
    sources: tuple[ScoredChunk, ...] = ()


async def answer(question: Question, route: Route, scope: RequestScope, trail: Trail) -> Answer:
    """Returns the answer to a question from the documents of its release."""
    request, sources = await _with_context(question, route, scope, trail)
    return Answer(await generate(request, route.generator, scope, trail), sources)


async def stream_answer(
    question: Question, route: Route, scope: RequestScope, trail: Trail, *, timeout_s: float
) -> AnswerStream:
    """Returns the answer as a stream, once its first piece is there.

    Args:
        timeout_s: Time the whole answer has from now on; the request's own deadline holds for the
            first piece.
    """
    request, sources = await _with_context(question, route, scope, trail)
    events = await stream(request, route.generator, scope, trail, timeout_s=timeout_s)
    return AnswerStream(events, sources)


async def generate(
    request: GenerationRequest, generator: GeneratorStage, scope: RequestScope, trail: Trail
) -> Generation:
    """Returns what a generator wrote."""
    async with trail.timed("generator") as spent:
        written = await generator.generate(request, call=scope.call())
        spent.note(written.times)
    _note_passed_over(written, trail)
    return written


async def stream(
    request: GenerationRequest,
    generator: GeneratorStage,
    scope: RequestScope,
    trail: Trail,
    *,
    timeout_s: float,
) -> AsyncGenerator[Sequence[GenerationEvent], None]:
    """Returns the events of what a generator writes, once the first ones are there."""
    patience_s = scope.call().timeout_s
    events = _timed_events(generator.stream(request, call=scope.within(timeout_s).call()), trail)
    try:
        async with asyncio.timeout(patience_s):
            first = await anext(events)
    except TimeoutError as error:
        trail.times["generator"].error = DeadlineExceeded.code
        raise DeadlineExceeded("The generator did not begin in time.", "generator") from error
    return _chain(first, events)


async def _timed_events(
    events: AsyncGenerator[Sequence[GenerationEvent], None], trail: Trail
) -> AsyncGenerator[Sequence[GenerationEvent], None]:
    started_s = time.perf_counter()
    async with trail.timed("generator") as spent, aclosing(events):
        async for some in events:
            if isinstance(written := some[-1], Generation):
                spent.note(written.times)
                # The last event tells the times, before this block has ended.
                spent.total_ms = (time.perf_counter() - started_s) * 1e3
                _note_passed_over(written, trail)
            yield some


async def _chain(
    first: Sequence[GenerationEvent], rest: AsyncGenerator[Sequence[GenerationEvent], None]
) -> AsyncGenerator[Sequence[GenerationEvent], None]:
    async with aclosing(rest):
        yield first
        async for some in rest:
            yield some


def _note_passed_over(written: Generation, trail: Trail) -> None:
    if written.passed_over:
        trail.degraded.append("generator")


async def _with_context(
    question: Question, route: Route, scope: RequestScope, trail: Trail
) -> tuple[GenerationRequest, tuple[ScoredChunk, ...]]:
    """Returns what the generator is asked, and the chunks that were found.

    Chunks that the reranker finds irrelevant are withheld from the generator, which then says that
    it does not know.
    """
    query = await _standalone_query(question, route, scope, trail)
    hits = await search(replace(question, text=query), route, scope, trail)
    relevant = _relevant(hits, _min_relevance_score(route.release, trail))
    context = await _widened(relevant, route, scope, trail)
    request = GenerationRequest(
        messages=question.messages or (Message("user", question.text),),
        question=query,
        context=tuple(context),
        prompt=route.release.prompt,
        sampling=question.sampling,
    )
    shown = {hit.chunk.id: hit for hit in context}
    return request, tuple(shown.get(hit.chunk.id, hit) for hit in hits)


async def _standalone_query(
    question: Question, route: Route, scope: RequestScope, trail: Trail
) -> str:
    """Returns the question so that it can be searched for without the conversation before it."""
    how = route.release.condense
    if how == "off" or len(user_texts(question.messages)) < _FOLLOW_UP_TURNS:
        return question.text
    written = None
    if how == "llm":
        written = await ask_model(
            "condense",
            question.messages,
            _CONDENSE_SAMPLING,
            route=route,
            scope=scope,
            trail=trail,
        )
    return usable_query(written or "") or query_by_rule(question.messages)


async def _widened(
    hits: Sequence[ScoredChunk], route: Route, scope: RequestScope, trail: Trail
) -> Sequence[ScoredChunk]:
    """Returns the hits with what stands around them, as they are where that cannot be had."""
    reach = route.release.neighbours
    asked = neighbour_ids(hits, reach=reach)
    if not asked:
        return hits
    try:
        async with trail.timed("neighbours"):
            found = await route.retrieval.retriever.chunks(asked, call=scope.call())
    except StageError:
        trail.degraded.append("neighbours")
        return hits
    return widen(hits, found, reach=reach)


def _min_relevance_score(release: Release, trail: Trail) -> float:
    """Returns the release's own score; else the one that was fitted to the collection, as far as
    with the reranker that judged; else the default."""
    if release.min_relevance_score is not None:
        return release.min_relevance_score
    fitted = trail.calibration
    if fitted is None or fitted.reranker_model != trail.reranker_model:
        return DEFAULT_MIN_RELEVANCE_SCORE
    return fitted.min_relevance_score


def _relevant(hits: Sequence[ScoredChunk], min_relevance_score: float) -> list[ScoredChunk]:
    """Returns the chunks that the reranker does not find irrelevant; all where it did not judge."""
    judgements = [(hit, hit.signals.rerank) for hit in hits]
    return [hit for hit, score in judgements if score is None or score >= min_relevance_score]
