"""What a request leaves behind: where its time went, what it cost, what it had to do without."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deployments.contracts import Times


@dataclass(slots=True)
class StageTime:
    """Where the time of one stage went, in milliseconds. `total_ms` includes the way there and
    back; the others are what the stage said of itself."""

    total_ms: float = 0.0
    queue_ms: float = 0.0
    inference_ms: float = 0.0
    replica_ms: float = 0.0

    def note(self, times: Times) -> None:
        """Takes over what the stage said."""
        self.queue_ms = times.queue_ms
        self.inference_ms = times.inference_ms
        self.replica_ms = times.replica_ms


@dataclass(slots=True)
class Trail:
    """What a request leaves behind: times, tokens, and the stages it had to do without."""

    times: dict[str, StageTime] = field(default_factory=dict)
    embedding_tokens: int = 0
    rerank_tokens: int = 0
    degraded: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def timed(self, stage: str) -> AsyncIterator[StageTime]:
        """Measures a stage, also one that fails."""
        entry = self.times.setdefault(stage, StageTime())
        started_s = time.perf_counter()
        try:
            yield entry
        finally:
            entry.total_ms = (time.perf_counter() - started_s) * 1e3
