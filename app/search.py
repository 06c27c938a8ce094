"""From a question to the chunks that fit it best: embed, search, rerank."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.releases import Route
from app.request_scope import RequestScope
from app.trail import Trail
from deployments.contracts import Filter, ScoredChunk
from deployments.errors import DeadlineExceeded, InvalidRequest, StageError
from deployments.generation import Message, Sampling


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the client's wishes; None means that the release decides.

    `messages` is the conversation that the question ends, where there is one.
    """

    text: str
    messages: tuple[Message, ...] = ()
    sampling: Sampling = Sampling()
    top_k: int | None = None
    top_n: int | None = None
    rerank: bool | None = None
    where: Filter | None = None


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
        trail.query, trail.query_vector = question.text, embedded.vectors
    async with trail.timed("retriever") as spent:
        found = await route.retrieval.retriever.search(
            question.text, embedded.vectors, top_k=top_k, where=question.where, call=scope.call()
        )
        spent.note(found.times)
    trail.found = found.hits
    hits = list(found.hits)
    wanted = release.rerank if question.rerank is None else question.rerank
    if wanted and hits:
        hits = await _rerank(question.text, hits, route, scope, trail)
    trail.hits = tuple(hits[:top_n])
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
