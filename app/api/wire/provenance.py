"""Where an answer comes from, as every form of it in a conversation says it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from app.api.openai.conversation import Begun
from app.api.wire.values import blocked_of, source_of, timings_of
from app.conversations.turn import OpenTurn
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from app.schemas.answers import Source
from app.schemas.chat import Provenance, Routing
from app.settings.live.housekeeping import HousekeepingKind
from app.settings.live.routing import RoutingDecision
from deployments.contracts.documents import Chunk
from deployments.contracts.generation import Citation, Generation
from deployments.contracts.search import ScoredChunk


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of an answer before it is written; `started_s` is on the performance counter.
    Where the language model itself searches, `sources` grow until its end."""

    scope: RequestScope
    release: str | None
    sources: Sequence[ScoredChunk]
    record: AttemptRecord
    routing: RoutingDecision | None
    housekeeping: HousekeepingKind | None
    turn: OpenTurn | None
    started_s: float

    @classmethod
    def of(cls, begun: Begun, scope: RequestScope, started_s: float) -> Self:
        """Returns where an answer comes from that has begun."""
        served = begun.served
        sources = served.value.sources
        return cls(
            scope=scope,
            release=served.release,
            sources=sources,
            record=served.record,
            routing=begun.routing,
            housekeeping=begun.housekeeping,
            turn=begun.turn,
            started_s=started_s,
        )

    @property
    def conversation(self) -> str | None:
        """Id of the kept conversation that it is an answer in."""
        return None if self.turn is None else self.turn.conversation

    def found(self) -> list[Source]:
        """Returns the sources as clients see them."""
        return [source_of(hit) for hit in self.sources]

    def provenance(self, written: Generation) -> Provenance:
        """Returns our own member of the whole answer."""
        chosen = self.routing
        return Provenance(
            request_id=self.scope.request_id,
            model=written.model,
            release=self.release,
            prompt=written.prompt,
            grounded=written.grounded,
            answerability=written.answerability,
            sources=self.found(),
            degraded=self.record.degraded,
            blocked=blocked_of(self.record),
            routing=None if chosen is None else Routing.model_validate(chosen),
            housekeeping=self.housekeeping,
            conversation_id=self.conversation,
            ignored=list(self.scope.notes.ignored),
            timings=timings_of(self.record, self.started_s),
        )

    def told_before(self) -> set[str]:
        """Returns the members of `provenance` that need not be told at the end of a stream, since
        they were at its beginning."""
        return set() if self.record.rounds else {"sources"}

    def cited(self, citations: Iterable[Citation]) -> Iterator[tuple[Citation, Chunk]]:
        """Yields each citation with the chunk that it names, where there is one."""
        chunks = {hit.rank: hit.chunk for hit in self.sources}
        for citation in citations:
            if citation.source in chunks:
                yield citation, chunks[citation.source]
