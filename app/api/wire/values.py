"""Values of the pipeline as several endpoints show them."""

import time

from app.request.attempt import AttemptRecord
from app.schemas.answers import SignalScores, Source, StageTiming, Timings
from app.schemas.moderations import Blocked
from deployments.contracts.search import ScoredChunk


def source_of(hit: ScoredChunk) -> Source:
    """Returns a chunk as clients see it."""
    chunk = hit.chunk
    return Source(
        index=hit.rank,
        document_id=chunk.document_id,
        chunk_id=chunk.id,
        path=chunk.path,
        title=chunk.title,
        heading=chunk.heading,
        page=chunk.page,
        score=hit.score,
        signals=SignalScores.model_validate(hit.signals),
        text=chunk.text,
        metadata=dict(chunk.metadata),
    )


def timings_of(attempt: AttemptRecord, started_s: float) -> Timings:
    """Returns where the time went; `started_s` is on the performance counter."""
    return Timings(
        total_ms=(time.perf_counter() - started_s) * 1e3,
        stages={name: StageTiming.model_validate(spent) for name, spent in attempt.times.items()},
    )


def blocked_of(attempt: AttemptRecord) -> Blocked | None:
    """Returns why a moderation policy has ended an answer, None where none has."""
    return Blocked(categories=list(attempt.blocked)) if attempt.blocked else None
