"""Where something of a conversation or a user may be, and how each place erases it."""

import asyncio
from collections.abc import Callable, Mapping

from app.cache.response_cache import ResponseCache
from app.conversations.conversations import Conversations
from app.conversations.eraser import Place
from deployments.activity import TrackerStage
from deployments.contracts.calls import CallContext
from deployments.contracts.erasure import ErasureScope
from deployments.contracts.tenants import Access, Erased
from deployments.idempotency.store import IdempotencyStore

_CALL_S = 10.0


def places_of(
    conversations: Conversations,
    *,
    answers: IdempotencyStore,
    cache: ResponseCache | None = None,
    tracker: TrackerStage | None = None,
) -> Mapping[str, Place]:
    """Returns the places that all replicas share, by name: `conversations`, `answers` that are kept
    for repetitions, `cache`, `query_samples`, `assessments`, `traces`.

    Args:
        conversations: Has turns.
        answers: Has answers that are kept for repetitions.
        cache: Has answers that are given again.
        tracker: Has sampled queries and assessments, and knows where traces are.
    """

    async def turns(scope: ErasureScope) -> Erased:
        return Erased(await asyncio.to_thread(conversations.erase, scope))

    async def kept_answers(scope: ErasureScope) -> Erased:
        return Erased({"answers": await asyncio.to_thread(answers.erase, scope)})

    places: dict[str, Place] = {"conversations": turns, "answers": kept_answers}
    if cache is not None:
        places["cache"] = _of_cache(cache)
    if tracker is not None:
        asked = tracker

        async def samples(scope: ErasureScope) -> Erased:
            return await asked.erase_samples(scope, call=_call())

        async def traces(scope: ErasureScope) -> Erased:
            return await asked.erase_traces(scope, call=_call())

        async def assessments(scope: ErasureScope) -> Erased:
            return await asked.erase_assessments(scope, call=_call())

        # Traces last: what is said of them goes with them.
        places |= {"query_samples": samples, "assessments": assessments, "traces": traces}
    return places


def spool_place(erase: Callable[[ErasureScope], int]) -> Place:
    """Returns the place of traces that wait on this replica's disk.

    Args:
        erase: Removes them, and returns how many spans that were; it blocks.
    """

    async def spans(scope: ErasureScope) -> Erased:
        return Erased({"spans": await asyncio.to_thread(erase, scope)})

    return spans


def _of_cache(cache: ResponseCache) -> Place:
    async def cached(scope: ErasureScope) -> Erased:
        if scope.conversation:
            count = await cache.forget_conversation(scope.tenant, scope.conversation)
        else:
            count = await cache.forget_user(scope.tenant, scope.user)
        return Erased({"cached_answers": count})

    return cached


def _call() -> CallContext:
    return CallContext("erase", _CALL_S, "", access=Access.everything())
