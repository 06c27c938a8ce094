"""The story of one answer: embed the question, search, rerank, generate. No HTTP, no Ray."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from app.releases import Route
from app.request_scope import RequestScope
from deployments.contracts import Filter, Generation, ScoredChunk, Times
from deployments.errors import DeadlineExceeded, InvalidRequest, StageError


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


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the client's wishes; None means that the release decides."""

    text: str
    top_k: int | None = None
    top_n: int | None = None
    rerank: bool | None = None
    where: Filter | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The generated text, the chunks it could use, and whether they were judged by the reranker."""

    generation: Generation
    sources: tuple[ScoredChunk, ...]


async def answer(question: Question, route: Route, scope: RequestScope, trail: Trail) -> Answer:
    """Returns the answer to a question from the documents of its release.

    Chunks that the reranker finds irrelevant are withheld from the generator, which then says that
    it does not know.
    """
    hits = await search(question, route, scope, trail)
    reranked = "reranker" in trail.times and "reranker" not in trail.degraded
    context = _relevant(hits, route.release.min_relevance_score) if reranked else hits
    async with trail.timed("generator") as spent:
        generation = await route.generator.generate(question.text, context, call=scope.call())
        spent.note(generation.times)
    return Answer(generation, tuple(hits))


async def search(
    question: Question, route: Route, scope: RequestScope, trail: Trail
) -> list[ScoredChunk]:
    """Returns the best chunks for a question, best first.

    Without a reranker that answers, the retriever's order stands and the trail says `degraded`.
    """
    release = route.release
    top_k = question.top_k or release.top_k
    top_n = question.top_n or release.top_n
    if top_n > top_k:
        raise InvalidRequest(f"top_n ({top_n}) is more than top_k ({top_k}) can give.")
    async with trail.timed("embedder") as spent:
        embedded = await route.retrieval.embedder.embed(
            [question.text], input_type="query", call=scope.call()
        )
        spent.note(embedded.times)
        trail.embedding_tokens += sum(embedded.token_counts)
    async with trail.timed("retriever") as spent:
        found = await route.retrieval.retriever.search(
            question.text, embedded.vectors, top_k=top_k, where=question.where, call=scope.call()
        )
        spent.note(found.times)
    hits = list(found.hits)
    wanted = release.rerank if question.rerank is None else question.rerank
    if wanted and hits:
        hits = await _rerank(question.text, hits, route, scope, trail)
    return hits[:top_n]


async def _rerank(
    query: str, found: Sequence[ScoredChunk], route: Route, scope: RequestScope, trail: Trail
) -> list[ScoredChunk]:
    call = scope.call()
    # Half of what is left: the answer must still be written when the reranker never comes back.
    call = replace(call, timeout_s=min(call.timeout_s / 2, route.release.rerank_timeout_s))
    try:
        async with trail.timed("reranker") as spent:
            judged = await route.retrieval.reranker.rerank(
                query, [hit.chunk.passage() for hit in found], call=call
            )
            spent.note(judged.times)
            trail.rerank_tokens += judged.prompt_tokens
    except StageError:
        if scope.call().timeout_s <= 0:
            raise DeadlineExceeded("The request's time was used up.", "reranker") from None
        trail.degraded.append("reranker")
        return list(found)
    order = sorted(
        zip(judged.scores, found, strict=True), key=lambda pair: (-pair[0], pair[1].chunk.id)
    )
    return [ScoredChunk(hit.chunk, score, rank) for rank, (score, hit) in enumerate(order, start=1)]


def _relevant(hits: Sequence[ScoredChunk], min_relevance_score: float) -> list[ScoredChunk]:
    return [hit for hit in hits if hit.score >= min_relevance_score]
