"""Erasing a tenant: everything that the indexes and the keeper of batches have of it, with a
receipt for each place."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from app.releases.route import RetrievalStages
from app.request.scope import RequestScope
from deployments.activity import TrackerStage
from deployments.batches.contract import BatchStage
from deployments.contracts.calls import CallContext
from deployments.contracts.erasure import ErasedPlace
from deployments.contracts.errors import StageError
from deployments.contracts.tenants import Erased

Step = Callable[[CallContext], Awaitable[Erased]]


async def erase_tenant(
    tenant: str,
    indexes: Mapping[str, RetrievalStages],
    batches: BatchStage | None,
    scope: RequestScope,
    *,
    tracker: TrackerStage | None = None,
    answers: Callable[[], int] | None = None,
    cache: Callable[[], Awaitable[int]] | None = None,
    conversations: Callable[[], int] | None = None,
) -> list[ErasedPlace]:
    """Removes a tenant from every place, and returns a receipt for each. A place that is away is
    told of and does not keep the others; erasing again does what is left. The tenant's keys should
    be closed before, or it may write meanwhile.

    Places are the retrieval applications, `batches`, `records` for sampled queries, assessments and
    traces,
    `conversations`, `answers` that are kept for requests that are sent again, and `cache` for those
    that are given again.

    Args:
        tenant: Whose documents, files and batches go.
        indexes: All that releases name, by their names.
        batches: Who keeps batches; None where nobody does.
        scope: The request, with time for all of it.
        tracker: Who has sampled queries, and knows where traces are; None where nobody does.
        answers: Deletes what was answered to requests that may be sent again, and returns how many
            there were; it blocks.
        cache: Deletes answers that may be given again, and returns how many there were; None where
            none are kept.
        conversations: Deletes conversations that are kept, and returns how many there were; it
            blocks. None where there are none.
    """
    scope = scope.over_all_tenants()

    def of_index(stages: RetrievalStages) -> Step:
        return lambda call: stages.retriever.erase_tenant(tenant, call=call)

    steps: dict[str, Step] = {name: of_index(stages) for name, stages in indexes.items()}
    if batches is not None:
        keeper = batches
        steps["batches"] = lambda call: keeper.erase_tenant(tenant, call=call)
    if tracker is not None:
        records = tracker
        steps["records"] = lambda call: records.erase_tenant(tenant, call=call)
    if conversations is not None:
        delete = conversations

        async def erase_conversations(call: CallContext) -> Erased:
            return Erased({"conversations": await asyncio.to_thread(delete)})

        steps["conversations"] = erase_conversations
    if answers is not None:
        forget = answers

        async def erase_answers(call: CallContext) -> Erased:
            return Erased({"answers": await asyncio.to_thread(forget)})

        steps["answers"] = erase_answers
    if cache is not None:
        forget_kept = cache

        async def erase_cache(call: CallContext) -> Erased:
            return Erased({"cached_answers": await forget_kept()})

        # Last: what was written meanwhile from what went before.
        steps["cache"] = erase_cache
    return [await _erase(place, step, scope) for place, step in steps.items()]


async def _erase(place: str, step: Step, scope: RequestScope) -> ErasedPlace:
    counts: Counter[str] = Counter()
    while True:
        try:
            erased = await step(scope.call())
        except StageError as error:
            return ErasedPlace(place, dict(counts), is_done=False, reason=error.code)
        counts.update(erased.counts)
        if erased.is_done:
            return ErasedPlace(place, dict(counts))
        if scope.call().timeout_s <= 0:
            return ErasedPlace(place, dict(counts), is_done=False, reason="deadline_exceeded")
