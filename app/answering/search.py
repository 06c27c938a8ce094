"""From a question to the chunks that fit it best: formulate, embed, retrieve, rerank."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.answering.copies import distinct
from app.answering.naming import prefer_named
from app.answering.priors import with_priors
from app.answering.query_expansion import Formulations, formulate
from app.answering.question import Question
from app.answering.ranking import judged, merge
from app.answering.spelling import are_certain, respelled, respellings
from app.releases.attempt import Attempt
from app.settings.live.release import Release
from deployments.contracts.documents import Chunk
from deployments.contracts.errors import DeadlineExceeded, InvalidRequest, StageError
from deployments.contracts.search import Found, ScoredChunk, SearchMethod, WordCounts
from deployments.contracts.vectors import Vectors
from deployments.serving.concurrently import gather_or_cancel

_SPARE_HITS = 3
"""Where nobody reranks, so many times the chunks that are returned are taken from the index: some
may be copies, and the others would travel for nothing."""
_MIN_NEARER = 0.03
"""By how much the best cosine has to rise where a word is read as another one."""


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What the question asks for, and the release where it does not say."""

    how: SearchMethod
    top_k: int
    top_n: int
    rerank: bool


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What formulations are searched by: their vectors, (n, dim), None where words are enough; and
    what the retriever counted of their words, None where it has nothing to be told."""

    vectors: Vectors | None
    counts: WordCounts | None


@dataclass(frozen=True, slots=True)
class Passages:
    """The best chunks for a question, best first, and what stands around them, by id."""

    hits: list[ScoredChunk]
    neighbours: Mapping[str, Chunk]
    query: str = ""
    """What was searched for at last: the question, with its words as they were read."""


async def search(question: Question, attempt: Attempt) -> list[ScoredChunk]:
    """Returns the best chunks for a question, best first.

    Without a reranker that answers, the retriever's order stands and the record says `degraded`.
    """
    return (await search_passages(question, attempt, reach=0)).hits


async def search_passages(question: Question, attempt: Attempt, *, reach: int) -> Passages:
    """Returns the best chunks as `search` does, and the chunks up to `reach` places around them."""
    release, record = attempt.route.release, attempt.record
    wishes = _wishes(question, release)
    asked = await formulate(question, attempt)
    record.query = question.text
    prepared = await _prepare(asked.queries, wishes, attempt)
    hits, neighbours = await _retrieve(asked, prepared, wishes, attempt, reach=reach)
    if not hits and asked.where != asked.given_where:
        # A language model read a condition out of the question that no document fulfils.
        asked = replace(asked, where=asked.given_where)
        hits, neighbours = await _retrieve(asked, prepared, wishes, attempt, reach=reach)
        record.degraded += ["filter"] if hits else []
    if hits and release.correct_spelling and not question.is_written:
        respelt = await _respelled(question, asked, hits, wishes, attempt, reach=reach)
        if respelt is not None:
            question, hits, neighbours = respelt
    record.found = tuple(hits)
    if wishes.rerank and hits:
        hits = await _rerank(question.text, hits, attempt)
    hits = with_priors(hits, release.priors)
    if wishes.how.mode != "dense":
        hits = prefer_named(question.text, hits)
    if question.min_relevance is not None:
        hits = [hit for hit in hits if hit.relevance >= question.min_relevance]
    best = distinct(hits, top_n=wishes.top_n, max_repeated_ratio=release.max_repeated_ratio)
    record.hits = tuple(best)
    return Passages(best, neighbours, question.text)


async def _respelled(
    question: Question,
    asked: Formulations,
    hits: Sequence[ScoredChunk],
    wishes: _Wishes,
    attempt: Attempt,
    *,
    reach: int,
) -> tuple[Question, list[ScoredChunk], dict[str, Chunk]] | None:
    """Returns the question as it may have been meant, and what was found for it; None where its
    words are known, or what is found for others is no nearer."""
    found = respellings(question.text, (hit.chunk.passage() for hit in hits))
    if not found:
        return None
    meant = replace(question, text=respelled(question.text, found))
    again = replace(asked, queries=(meant.text,))
    prepared = await _prepare(again.queries, wishes, attempt)
    nearer, neighbours = await _retrieve(again, prepared, wishes, attempt, reach=reach)
    if not are_certain(found) and _nearness(nearer) < _nearness(hits) + _MIN_NEARER:
        return None
    attempt.record.respellings = found
    attempt.record.query = meant.text
    return meant, nearer, neighbours


def _nearness(hits: Sequence[ScoredChunk]) -> float:
    """Returns the best cosine of what was found; 0 where nobody looked for meaning."""
    return max((hit.signals.dense or 0.0 for hit in hits), default=0.0)


def _wishes(question: Question, release: Release) -> _Wishes:
    # Whoever asks for more results than the release looks at means the results.
    top_k = question.top_k or max(release.top_k, question.top_n or 0)
    top_n = question.top_n or release.top_n
    rerank = release.rerank if question.rerank is None else question.rerank
    if top_n > top_k:
        raise InvalidRequest(f"top_n ({top_n}) is more than top_k ({top_k}) can give.")
    if not rerank:
        top_k = min(top_k, _SPARE_HITS * top_n)
    how = SearchMethod(question.mode or release.mode, release.dense_weight, release.candidates)
    return _Wishes(how, top_k, top_n, rerank)


async def _prepare(queries: Sequence[str], wishes: _Wishes, attempt: Attempt) -> _Prepared:
    """Returns what all formulations are searched by. Words are counted while they are embedded."""

    async def embed() -> Vectors | None:
        return None if wishes.how.mode == "lexical" else await _embed(queries, wishes, attempt)

    async def count_words() -> WordCounts | None:
        if wishes.how.mode == "dense":
            return None
        return await attempt.route.retrieval.retriever.count_words(queries, call=attempt.call())

    return _Prepared(*await gather_or_cancel(embed(), count_words()))


async def _embed(queries: Sequence[str], wishes: _Wishes, attempt: Attempt) -> Vectors:
    """Returns the vectors of all formulations, which are one call."""
    record = attempt.record
    async with record.timed("embedder") as spent:
        embedded = await attempt.route.retrieval.embedder.embed(
            queries, input_type="query", with_tokens=wishes.rerank, call=attempt.call()
        )
        spent.note(embedded.times)
        record.embedding_tokens += sum(embedded.token_counts)
        record.query_vector = embedded.vectors[:1]
        record.questions |= {question.text: question for question in embedded.questions}
    return embedded.vectors


async def _retrieve(
    asked: Formulations,
    prepared: _Prepared,
    wishes: _Wishes,
    attempt: Attempt,
    *,
    reach: int,
) -> tuple[list[ScoredChunk], dict[str, Chunk]]:
    """Returns what the formulations found, which are searched for at once, and what stands around
    it, by id."""
    record, vectors = attempt.record, prepared.vectors

    async def find(place: int, query: str) -> Found:
        return await attempt.route.retrieval.retriever.search(
            query,
            None if vectors is None else vectors[place : place + 1],
            top_k=wishes.top_k,
            where=asked.where,
            how=wishes.how,
            reach=reach,
            counts=prepared.counts,
            call=attempt.call(),
        )

    async with record.timed("retriever") as spent:
        found = await gather_or_cancel(
            *(find(place, query) for place, query in enumerate(asked.queries))
        )
        spent.note(max((answer.times for answer in found), key=lambda times: times.replica_ms))
    record.calibration = found[0].calibration
    for missing in dict.fromkeys(name for answer in found for name in answer.missing):
        record.lacks(missing)
    record.generations |= {answer.generation for answer in found}
    around: dict[str, Chunk] = {}
    if reach:
        # A hit that is left out of the best may still stand beside one of them.
        around = {hit.chunk.id: hit.chunk for answer in found for hit in answer.hits}
        around |= {chunk.id: chunk for answer in found for chunk in answer.neighbours}
    return merge([answer.hits for answer in found], top_k=wishes.top_k), around


async def _rerank(query: str, hits: Sequence[ScoredChunk], attempt: Attempt) -> list[ScoredChunk]:
    release, record = attempt.route.release, attempt.record
    call = attempt.call()
    # Half of what is left: the answer must still be written when the reranker never comes back.
    call = replace(call, timeout_s=min(call.timeout_s / 2, release.rerank_timeout_s))
    try:
        async with record.timed("reranker") as spent:
            reranked = await attempt.route.retrieval.reranker.rerank(
                query,
                [hit.chunk.passage() for hit in hits],
                question=record.questions.get(query),
                call=call,
            )
            spent.note(reranked.times)
            record.rerank_tokens += reranked.prompt_tokens
            record.reranker_model = reranked.model
    except StageError:
        if attempt.call().timeout_s <= 0:
            raise DeadlineExceeded("The request's time was used up.", "reranker") from None
        record.degraded.append("reranker")
        return list(hits)
    return judged(hits, reranked.scores, rerank_weight=release.rerank_weight)
