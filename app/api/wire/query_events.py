"""The answer to `/v1/query`, whole or as typed events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from app.answering.written import Answer, AnswerStream
from app.api.wire.streaming import encode_event, end_honestly, event_stream_content
from app.api.wire.values import blocked_of, source_of, timings_of
from app.problems import problem_body
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from app.schemas.answers import (
    Citation,
    DeltaEvent,
    QueryResponse,
    SourcesEvent,
    Usage,
)
from app.schemas.wire import Problem
from deployments.contracts.errors import RagError
from deployments.contracts.generation import Started, TextDelta

_EXAMPLES = {
    "sources": {"id": "3f2a9c", "release": "minilm-extractive", "model": "extractive"},
    "delta": {"text": "A full queue is answered with 503. [1]"},
    "citation": {"start": 0, "end": 38, "source": 1},
    "done": {"grounded": True, "finish_reason": "stop"},
    "error": {"status": 503, "code": "unavailable", "detail": "The generator does not answer."},
}
EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": event_stream_content(_EXAMPLES)}}
"""OpenAPI's entry for the streamed form."""


def query_response(
    answer: Answer,
    release: str | None,
    record: AttemptRecord,
    scope: RequestScope,
    started_s: float,
) -> QueryResponse:
    """Returns the whole answer; `started_s` is on the performance counter."""
    written = answer.generation
    counted = record.with_rounds(written)
    return QueryResponse(
        id=scope.request_id,
        request_id=scope.request_id,
        answer=written.text,
        grounded=written.grounded,
        answerability=written.answerability,
        citations=[Citation.model_validate(citation) for citation in written.citations],
        sources=[source_of(hit) for hit in answer.sources],
        release=release or "",
        model=written.model,
        prompt=written.prompt,
        finish_reason=written.finish_reason,
        blocked=blocked_of(record),
        conversation_id=scope.notes.conversation or None,
        degraded=record.degraded,
        usage=Usage(
            prompt_tokens=counted.prompt_tokens,
            completion_tokens=counted.completion_tokens,
            total_tokens=counted.prompt_tokens + counted.completion_tokens,
            embedding_tokens=record.embedding_tokens,
            rerank_tokens=record.rerank_tokens,
            cached_tokens=counted.cached_tokens,
            cost_usd=scope.notes.cost_usd(),
        ),
        timings=timings_of(record, started_s),
    )


@dataclass(frozen=True, slots=True)
class DoneEvent:
    """The last event of an answer that came to its end.

    Attributes:
        answer: All of it.
        has_new_sources: Whether the language model searched by itself and may have found more than
            the first event told.
    """

    answer: QueryResponse
    has_new_sources: bool


AnswerEvent = SourcesEvent | DeltaEvent | Citation | DoneEvent


async def answer_events(
    begun: AnswerStream,
    release: str | None,
    record: AttemptRecord,
    scope: RequestScope,
    started_s: float,
) -> AsyncGenerator[AnswerEvent, None]:
    """Yields the sources, then pieces of the text, each with the citations that it completes after
    it, and in the end the whole; raises as the answer does."""
    async with aclosing(begun.events):
        async for batch in begun.events:
            for event in batch:
                if isinstance(event, Started):
                    yield _sources(event, begun, release, scope)
                elif isinstance(event, TextDelta):
                    if event.text:
                        yield DeltaEvent(text=event.text)
                    for citation in event.citations:
                        yield Citation.model_validate(citation)
                else:
                    answer = Answer(event, tuple(begun.sources))
                    whole = query_response(answer, release, record, scope, started_s)
                    yield DoneEvent(whole, bool(record.rounds))


def query_events(
    events: AsyncGenerator[AnswerEvent, None], scope: RequestScope
) -> AsyncGenerator[bytes, None]:
    """Returns the events `sources`, `delta`, `citation`, and `done` or `error`.

    `done` has everything that the whole answer has, without the sources, unless there are new ones.
    """

    async def encoded() -> AsyncGenerator[bytes, None]:
        async with aclosing(events):
            async for event in events:
                yield _encode(event)

    def as_event(error: RagError) -> bytes:
        body = problem_body(
            error.code, str(error), request_id=scope.request_id, instance="/v1/query"
        )
        return encode_event(Problem.model_validate(body).model_dump(mode="json"), "error")

    return end_honestly(encoded(), scope, as_event)


def _encode(event: AnswerEvent) -> bytes:
    match event:
        case SourcesEvent():
            return encode_event(event.model_dump(mode="json"), "sources")
        case DeltaEvent():
            return encode_event({"text": event.text}, "delta")
        case Citation():
            said = {"start": event.start, "end": event.end, "source": event.source}
            return encode_event(said, "citation")
        case DoneEvent():
            known = set() if event.has_new_sources else {"sources"}
            return encode_event(event.answer.model_dump(mode="json", exclude=known), "done")


def _sources(
    event: Started, begun: AnswerStream, release: str | None, scope: RequestScope
) -> SourcesEvent:
    return SourcesEvent(
        id=scope.request_id,
        request_id=scope.request_id,
        release=release or "",
        model=event.model,
        sources=[source_of(hit) for hit in begun.sources],
        conversation_id=scope.notes.conversation or None,
    )
