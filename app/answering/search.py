"""From a question to the chunks that fit it best: formulate, embed, retrieve, rerank."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.answering.query_expansion import Formulations, formulate
from app.answering.question import Question
from app.answering.ranking import distinct, judged, merge
from app.releases.route import Route
from app.request.attempt import Trail
from app.request.scope import RequestScope
from deployments.contracts.documents import Vectors
from deployments.contracts.errors import DeadlineExceeded, InvalidRequest, StageError
from deployments.contracts.search import Found, ScoredChunk, SearchMethod
from deployments.serving.concurrently import gather_or_cancel

_SPARE_HITS = 3
"""Where nobody reranks, so many times the chunks that are returned are taken from the index: some
may be copies, and the others would travel for nothing."""


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What the question asks for, and the release where it does not say."""

    how: SearchMethod
    top_k: int
    top_n: int
    rerank: bool


async def search(
    question: Question, route: Route, scope: RequestScope, trail: Trail
) -> list[ScoredChunk]:
    """Returns the best chunks for a question, best first.

    Without a reranker that answers, the retriever's order stands and the trail says `degraded`.
    """
    wishes = _wishes(question, route)
    asked = await formulate(question, route, scope, trail)
    trail.query = question.text
    vectors = None
    if wishes.how.mode != "lexical":
        vectors = await _embed(asked.queries, route, scope, trail)
    hits = await _retrieve(asked, vectors, wishes, route, scope, trail)
    if not hits and asked.where != asked.given_where:
        # A language model read a condition out of the question that no document fulfils.
        asked = replace(asked, where=asked.given_where)
        hits = await _retrieve(asked, vectors, wishes, route, scope, trail)
        trail.degraded += ["filter"] if hits else []
    trail.found = tuple(hits)
    if wishes.rerank and hits:
        hits = await _rerank(question.text, hits, route, scope, trail)
    best = distinct(hits, top_n=wishes.top_n, max_repeated_ratio=route.release.max_repeated_ratio)
    trail.hits = tuple(best)
    return best


def _wishes(question: Question, route: Route) -> _Wishes:
    release = route.release
    top_k = question.top_k or release.top_k
    top_n = question.top_n or release.top_n
    rerank = release.rerank if question.rerank is None else question.rerank
    if top_n > top_k:
        raise InvalidRequest(f"top_n ({top_n}) is more than top_k ({top_k}) can give.")
    if not rerank:
        top_k = min(top_k, _SPARE_HITS * top_n)
    how = SearchMethod(question.mode or release.mode, release.dense_weight, release.candidates)
    return _Wishes(how, top_k, top_n, rerank)


async def _embed(
    queries: Sequence[str], route: Route, scope: RequestScope, trail: Trail
) -> Vectors:
    """Returns the vectors of all formulations, which are one call."""
    async with trail.timed("embedder") as spent:
        embedded = await route.retrieval.embedder.embed(
            queries, input_type="query", call=scope.call()
        )
        spent.note(embedded.times)
        trail.embedding_tokens += sum(embedded.token_counts)
        trail.query_vector = embedded.vectors[:1]
    return embedded.vectors


async def _retrieve(
    asked: Formulations,
    vectors: Vectors | None,
    wishes: _Wishes,
    route: Route,
    scope: RequestScope,
    trail: Trail,
) -> list[ScoredChunk]:
    """Returns what the formulations found, which are searched for at once."""

    async def find(place: int, query: str) -> Found:
        return await route.retrieval.retriever.search(
            query,
            None if vectors is None else vectors[place : place + 1],
            top_k=wishes.top_k,
            where=asked.where,
            how=wishes.how,
            call=scope.call(),
        )

    async with trail.timed("retriever") as spent:
        found = await gather_or_cancel(
            *(find(place, query) for place, query in enumerate(asked.queries))
        )
        spent.note(max((one.times for one in found), key=lambda times: times.replica_ms))
    trail.calibration = found[0].calibration
    return merge([one.hits for one in found], top_k=wishes.top_k)


async def _rerank(
    query: str, found: Sequence[ScoredChunk], route: Route, scope: RequestScope, trail: Trail
) -> list[ScoredChunk]:
    call = scope.call()
    # Half of what is left: the answer must still be written when the reranker never comes back.
    call = replace(call, timeout_s=min(call.timeout_s / 2, route.release.rerank_timeout_s))
    try:
        async with trail.timed("reranker") as spent:
            reranked = await route.retrieval.reranker.rerank(
                query, [hit.chunk.passage() for hit in found], call=call
            )
            spent.note(reranked.times)
            trail.rerank_tokens += reranked.prompt_tokens
            trail.reranker_model = reranked.model
    except StageError:
        if scope.call().timeout_s <= 0:
            raise DeadlineExceeded("The request's time was used up.", "reranker") from None
        trail.degraded.append("reranker")
        return list(found)
    return judged(found, reranked.scores, rerank_weight=route.release.rerank_weight)
