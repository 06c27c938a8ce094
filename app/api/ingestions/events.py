"""An ingestion as a stream of events: each document once something has come of it, and how far the
whole is."""

import asyncio
from collections.abc import AsyncGenerator
from itertools import count

from app.api.wire.ingestions import ingestion_of, source_of
from app.api.wire.streaming import encode_event
from app.request.scope import RequestScope
from app.schemas.ingestions import Ingestion
from deployments.batches.contract import BatchStage

_LOOK_S = 0.5
_LOOK_TIMEOUT_S = 10.0
_PAGE = 200


async def ingestion_events(
    ingestion_id: str, keeper: BatchStage, scope: RequestScope, owner: str | None
) -> AsyncGenerator[bytes, None]:
    """Yields `source` for each document that has ended, those of before the call too, `progress`
    whenever the ingestion has changed, and `end` when it has ended.

    Raises:
        NotFound: it was erased meanwhile.
        Unavailable: the keeper does not answer.
    """
    told: set[int] = set()
    before: Ingestion | None = None
    while True:
        call = scope.within(_LOOK_TIMEOUT_S).call()
        # Asked first: what has ended by then is among the documents below.
        now = ingestion_of(await keeper.batch(ingestion_id, owner=owner, call=call))
        if now != before:
            async for source in _ended(ingestion_id, keeper, scope, owner, told):
                yield source
            yield encode_event(now.model_dump(mode="json"), "progress")
        if now.has_ended:
            yield encode_event(now.model_dump(mode="json"), "end")
            return
        before = now
        await asyncio.sleep(_LOOK_S)


async def _ended(
    ingestion_id: str, keeper: BatchStage, scope: RequestScope, owner: str | None, told: set[int]
) -> AsyncGenerator[bytes, None]:
    # What stands before the first that is open was told before, and is not read again.
    after = next(place for place in count() if place not in told) - 1
    while True:
        call = scope.within(_LOOK_TIMEOUT_S).call()
        page = await keeper.sources(ingestion_id, after=after, limit=_PAGE, owner=owner, call=call)
        for source in page:
            if source.has_ended and source.place not in told:
                told.add(source.place)
                yield encode_event(source_of(source).model_dump(mode="json"), "source")
        if len(page) < _PAGE:
            return
        after = page[-1].place
