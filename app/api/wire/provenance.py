"""Where an answer comes from, as every form of it in a conversation says it."""

from collections.abc import Iterable, Iterator, Sequence

from app.api.wire.values import source_of, timings_of
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from app.schemas.chat import Provenance, Routing
from app.settings.routing import RoutingDecision
from deployments.contracts.documents import Chunk
from deployments.contracts.generation import Citation, Generation
from deployments.contracts.search import ScoredChunk


def provenance_of(
    written: Generation,
    *,
    scope: RequestScope,
    release: str | None,
    sources: Sequence[ScoredChunk],
    record: AttemptRecord,
    routing: RoutingDecision | None,
    started_s: float,
) -> Provenance:
    """Returns our own member of an answer; `started_s` is on the performance counter."""
    return Provenance(
        request_id=scope.request_id,
        model=written.model,
        release=release,
        prompt=written.prompt,
        grounded=written.grounded,
        answerability=written.answerability,
        sources=[source_of(hit) for hit in sources],
        degraded=record.degraded,
        routing=None if routing is None else Routing.model_validate(routing),
        ignored=list(scope.notes.ignored),
        timings=timings_of(record, started_s),
    )


def cited_chunks(
    citations: Iterable[Citation], sources: Sequence[ScoredChunk]
) -> Iterator[tuple[Citation, Chunk]]:
    """Yields each citation with the chunk that it names, where there is one."""
    chunks = {hit.rank: hit.chunk for hit in sources}
    for citation in citations:
        if citation.source in chunks:
            yield citation, chunks[citation.source]
