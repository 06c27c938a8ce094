"""Writes that go to every index that a release names, and after which no answer is kept that was
made from what they replaced."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from app.gateway import Gateway
from app.request.scope import RequestScope
from app.settings.cold.gateway import GatewayArgs
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import IngestOutcome
from deployments.contracts.errors import NotFound, Unavailable
from deployments.contracts.stages import IndexerStage
from deployments.serving.concurrently import gather_outcomes

_log = logging.getLogger("ray.serve")
Write = Callable[[IndexerStage, CallContext], Awaitable[list[IngestOutcome]]]
_NEWS = {"unchanged": 0, "updated": 1, "added": 2, "failed": 3}


async def write_everywhere(
    write: Write, gateway: Gateway, scope: RequestScope, args: GatewayArgs
) -> list[IngestOutcome]:
    """Writes to every index that a release names, and returns what changed in any of them.

    A failure of one index fails the request: repeating it is safe, and costs nothing where it had
    succeeded.
    """
    written = [
        await write(stages.indexer, scope.within(args.ingest_timeout_s).call())
        for stages in gateway.releases.indexes().values()
    ]
    news = [
        max(outcomes, key=lambda outcome: _NEWS[outcome.status])
        for outcomes in zip(*written, strict=True)
    ]
    await _forget([one.document_id for one in news if one.status == "updated"], gateway, scope)
    return news


async def delete_everywhere(
    document_id: str, gateway: Gateway, scope: RequestScope, args: GatewayArgs
) -> int:
    """Removes a document from every index, one after the other, and returns how many chunks it had.

    Raises:
        NotFound: no index has it.
    """
    call = scope.within(args.ingest_timeout_s).call()
    found: list[int | Exception] = []
    for stages in gateway.releases.indexes().values():
        found += await gather_outcomes(stages.retriever.delete(document_id, call=call))
    counts = [one for one in found if isinstance(one, int)]
    failures = [one for one in found if isinstance(one, Exception)]
    for failure in failures:
        if not counts or not isinstance(failure, NotFound):
            raise failure
    await _forget([document_id], gateway, scope)
    return max(counts)


async def _forget(document_ids: Sequence[str], gateway: Gateway, scope: RequestScope) -> None:
    """Deletes answers that were made from documents. No search leads to them any more; where the
    cache is away, they stay until their time is over."""
    if gateway.cache is None or not document_ids:
        return
    try:
        await gateway.cache.forget_documents(scope.principal.tenant, document_ids)
    except Unavailable as error:
        _log.warning("request %s: %s", scope.request_id, error)
