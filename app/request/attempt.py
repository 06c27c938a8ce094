"""What a request leaves behind: where its time went, what it found, what it had to do without."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from app.request.caching import CacheNote
from deployments.contracts.calls import Lap, Times
from deployments.contracts.errors import RagError, StageFailed
from deployments.contracts.generation import Generation
from deployments.contracts.search import Calibration, ScoredChunk
from deployments.contracts.vectors import QuestionTokens, Vectors


@dataclass(slots=True)
class StageTime:
    """Where the time of one stage went, in milliseconds. `total_ms` includes the way there and
    back; the others are what the stage said of itself.

    `started_ns` is in nanoseconds since the epoch, `batch_size` the entries that shared the model's
    batch (0 where the stage has none), `laps` the steps inside, `error` the code of what it failed
    with.
    """

    total_ms: float = 0.0
    queue_ms: float = 0.0
    inference_ms: float = 0.0
    replica_ms: float = 0.0
    started_ns: int = 0
    batch_size: int = 0
    laps: tuple[Lap, ...] = ()
    error: str = ""

    def note(self, times: Times) -> None:
        """Takes over what the stage said; times add up where it worked several times, and its
        steps are those of the first."""
        is_first = not self.replica_ms
        self.queue_ms += times.queue_ms
        self.inference_ms += times.inference_ms
        self.replica_ms += times.replica_ms
        self.batch_size = times.batch_size
        self.laps = times.laps if is_first else self.laps


@dataclass(slots=True)
class AttemptRecord:
    """What a request leaves behind.

    Attributes:
        times: By stage, in the order of their starts.
        embedding_tokens: Tokens that the embedder read.
        rerank_tokens: Tokens that the reranker read.
        degraded: What the request had to do without.
        query: What was searched for; empty where nothing was.
        respellings: Words of the question that were read as others, by the word.
        query_vector: Its embedding, shape (1, dim).
        questions: What was embedded as the model read it, by its text; for the reranker.
        calibration: The calibration of the collection that was searched, where it has one.
        reranker_model: Who judged what was found; empty where nobody did.
        found: What the retriever returned, best first.
        model_steps: What generators wrote on the way by step, such as the query of a conversation.
        rounds: What a generator wrote before its answer, each time to search.
        hits: What was left of it after reranking, best first.
        blocked: Categories for which a policy has ended the answer; empty where none has.
        generations: States of the documents that were searched; empty ones of searches that could
            not tell.
        cache: What became of the answer in the response cache; None where the release has none.
    """

    times: dict[str, StageTime] = field(default_factory=dict)
    embedding_tokens: int = 0
    rerank_tokens: int = 0
    degraded: list[str] = field(default_factory=list)
    query: str = ""
    respellings: dict[str, str] = field(default_factory=dict)
    query_vector: Vectors | None = None
    questions: dict[str, QuestionTokens] = field(default_factory=dict)
    calibration: Calibration | None = None
    reranker_model: str = ""
    found: tuple[ScoredChunk, ...] = ()
    hits: tuple[ScoredChunk, ...] = ()
    model_steps: dict[str, Generation] = field(default_factory=dict)
    rounds: list[Generation] = field(default_factory=list)
    blocked: tuple[str, ...] = ()
    generations: set[str] = field(default_factory=set)
    cache: CacheNote | None = None

    @property
    def is_given_again(self) -> bool:
        """Whether the answer was written for another request."""
        return self.cache is not None and self.cache.outcome == "hit"

    def lacks(self, name: str) -> None:
        """Notes, once, that the request had to do without something."""
        if name not in self.degraded:
            self.degraded.append(name)

    def with_rounds(self, written: Generation) -> Generation:
        """Returns an answer with the tokens of all that led to it: what its client pays for."""
        all_of_it = (*self.rounds, written)
        return replace(
            written,
            prompt_tokens=sum(one.prompt_tokens for one in all_of_it),
            completion_tokens=sum(one.completion_tokens for one in all_of_it),
            cached_tokens=sum(one.cached_tokens for one in all_of_it),
        )

    @asynccontextmanager
    async def timed(self, stage: str) -> AsyncIterator[StageTime]:
        """Measures a stage, also one that fails; one that works several times adds up."""
        entry = self.times.setdefault(stage, StageTime())
        entry.started_ns = entry.started_ns or time.time_ns()
        before_ms = entry.total_ms
        started_s = time.perf_counter()
        try:
            yield entry
        except RagError as error:
            entry.error = error.code
            raise
        except Exception:
            entry.error = StageFailed.code
            raise
        finally:
            entry.total_ms = before_ms + (time.perf_counter() - started_s) * 1e3
