"""Whole answers to the same question in other words: found by what questions share that may ask the
same, and given only where both the words and the vectors say that they do.

There is one candidate for each such group, in the store that all replicas share, and it goes with
its answer. So the work of a request is bounded, whatever is kept: two reads, one comparison of
words, and one call of the embedder with two short texts, only where the words are the same.
"""

from dataclasses import replace

from app.cache.canonical import canonical
from app.cache.entry import Candidate, Entry
from app.cache.keys import AnswerKey, digest
from app.cache.response_cache import ResponseCache
from app.cache.same_question import QuestionForm, ask_the_same, form_of
from app.cache.stores.operations import COMPANION
from app.releases.route import Route
from app.request.scope import RequestScope
from deployments.contracts.errors import StageError
from deployments.contracts.generation import Message

_EMBED_S = 1.0
"""Time that the embedder has; without it the answer is written anew."""


def form_asked(route: Route, messages: tuple[Message, ...]) -> QuestionForm | None:
    """Returns the form of a question that may have another one's answer; None where only an equal
    one is the same: the release says so, or it goes on with a conversation."""
    if route.release.cache.semantic == "off":
        return None
    if len(messages) != 1 or messages[0] != Message("user", messages[0].content):
        return None
    return form_of(messages[0].content)


def candidate_of(key: AnswerKey, form: QuestionForm, text: str) -> tuple[str, Candidate]:
    """Returns what is kept of a question for others that may ask the same, and its key: all that
    makes answers equal is in it, but for the words."""
    return _shared(key, form), Candidate(canonical(text), digest(key))


async def find_verified(
    cache: ResponseCache,
    key: AnswerKey,
    form: QuestionForm,
    text: str,
    *,
    route: Route,
    scope: RequestScope,
) -> Entry | None:
    """Returns the answer to the same question in other words, None where there is none.

    Args:
        cache: Where answers are.
        key: What the answer depends on.
        form: Of the question.
        text: The question.
        route: Who answers; its embedder compares.
        scope: The request.
    """
    candidate = await cache.find_candidate(key.tenant, _shared(key, form))
    if candidate is None:
        return None
    other = form_of(candidate.question)
    if other is None or not ask_the_same(form, other):
        return None
    least = max(route.release.cache.min_similarity, scope.notes.cache_min_similarity)
    if await _similarity(canonical(text), candidate.question, route, scope) < least:
        return None
    entry = await cache.find(key.tenant, candidate.key)
    return None if entry is None else replace(entry, match="verified")


async def _similarity(one: str, other: str, route: Route, scope: RequestScope) -> float:
    """Returns the cosine of two questions; -1 where nobody can tell."""
    call = scope.call()
    try:
        embedded = await route.retrieval.embedder.embed(
            [one, other],
            input_type="query",
            call=replace(call, timeout_s=min(call.timeout_s / 4, _EMBED_S)),
        )
    except StageError:
        return -1.0
    return float(embedded.vectors[0] @ embedded.vectors[1])


def _shared(key: AnswerKey, form: QuestionForm) -> str:
    return COMPANION + digest(replace(key, asked=("verified", *form.kin())))
