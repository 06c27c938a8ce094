"""The story of one answer, as the list of its stages: a question that stands alone, the chunks that
fit it, what stands around them, the text written from them. No HTTP, no Ray."""

import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from app.answering.condense import query_by_rule, usable_query, user_texts
from app.answering.model_step import ask_model
from app.answering.neighbours import widen
from app.answering.question import Question
from app.answering.search import search_passages
from app.releases.attempt import Attempt
from app.releases.failover import GeneratorChain
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from app.settings.release import DEFAULT_MIN_RELEVANCE_SCORE
from deployments.contracts.generation import (
    Events,
    Generation,
    GenerationRequest,
    Message,
    Sampling,
)
from deployments.contracts.search import ScoredChunk
from deployments.serving.begun import begin

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

    events: Events
    sources: tuple[ScoredChunk, ...] = ()


async def answer_from_documents(
    question: Question, attempt: Attempt, *, timeout_s: float
) -> AnswerStream:
    """Returns the answer to a question from the documents of its release, once it has begun.

    Args:
        question: What the client wants to know.
        attempt: Who answers; the deadline of its request holds for the first piece.
        timeout_s: Time the whole answer has from now on.
    """
    started_s = attempt.scope.now()
    query = await _standalone_query(question, attempt)
    reach = attempt.route.release.neighbours
    found = await search_passages(replace(question, text=query), attempt, reach=reach)
    context = widen(_relevant(found.hits, attempt), found.neighbours, reach=reach)
    request = GenerationRequest(
        messages=question.messages or (Message("user", question.text),),
        question=query,
        context=tuple(context),
        prompt=attempt.route.release.prompt,
        sampling=question.sampling,
        tools=question.tools,
    )
    left_s = timeout_s - (attempt.scope.now() - started_s)
    begun = await answer_from_generator(
        request, attempt.route.generator, attempt.scope, attempt.record, timeout_s=left_s
    )
    shown = {hit.chunk.id: hit for hit in context}
    return replace(begun, sources=tuple(shown.get(hit.chunk.id, hit) for hit in found.hits))


async def answer_from_generator(
    request: GenerationRequest,
    generator: GeneratorChain,
    scope: RequestScope,
    record: AttemptRecord,
    *,
    timeout_s: float,
) -> AnswerStream:
    """Returns what a generator writes, once it has begun; `timeout_s` is the time until its end."""
    return AnswerStream(await begin(_written(request, generator, scope, record, timeout_s)))


async def _written(
    request: GenerationRequest,
    generator: GeneratorChain,
    scope: RequestScope,
    record: AttemptRecord,
    timeout_s: float,
) -> Events:
    started_s = time.perf_counter()
    async with record.timed("generator") as spent:
        events = await generator.begin(request, call=scope.call(), timeout_s=timeout_s)
        async with aclosing(events):
            async for batch in events:
                if isinstance(written := batch[-1], Generation):
                    spent.note(written.times)
                    # The last event tells the times, before this block has ended.
                    spent.total_ms = (time.perf_counter() - started_s) * 1e3
                    if written.passed_over:
                        record.degraded.append("generator")
                yield batch


async def _standalone_query(question: Question, attempt: Attempt) -> str:
    """Returns the question so that it can be searched for without the conversation before it."""
    how = attempt.route.release.condense
    if how == "off" or len(user_texts(question.messages)) < _FOLLOW_UP_TURNS:
        return question.text
    written = None
    if how == "llm":
        written = await ask_model("condense", question.messages, _CONDENSE_SAMPLING, attempt)
    return usable_query(written or "") or query_by_rule(question.messages)


def _relevant(hits: Sequence[ScoredChunk], attempt: Attempt) -> list[ScoredChunk]:
    """Returns the chunks that the reranker does not find irrelevant; all where it did not judge.

    The others are withheld from the generator, which then says that it does not know.
    """
    least = _min_relevance_score(attempt)
    judgements = [(hit, hit.signals.rerank) for hit in hits]
    return [hit for hit, score in judgements if score is None or score >= least]


def _min_relevance_score(attempt: Attempt) -> float:
    """Returns the release's own score; else the one that was fitted to the collection, as far as
    with the reranker that judged; else the default."""
    release, record = attempt.route.release, attempt.record
    if release.min_relevance_score is not None:
        return release.min_relevance_score
    fitted = record.calibration
    if fitted is None or fitted.reranker_model != record.reranker_model:
        return DEFAULT_MIN_RELEVANCE_SCORE
    return fitted.min_relevance_score
