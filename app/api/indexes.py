"""Writes that go to every index that a release names."""

from collections.abc import Awaitable, Callable

from app.releases.releases import Releases
from app.request.scope import RequestScope
from app.settings.gateway import GatewayArgs
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import IngestOutcome
from deployments.contracts.errors import NotFound
from deployments.contracts.stages import IndexerStage
from deployments.serving.concurrently import gather_outcomes

Write = Callable[[IndexerStage, CallContext], Awaitable[list[IngestOutcome]]]
_NEWS = {"unchanged": 0, "updated": 1, "added": 2, "failed": 3}


async def write_everywhere(
    write: Write, releases: Releases, scope: RequestScope, args: GatewayArgs
) -> list[IngestOutcome]:
    """Writes to every index that a release names, and returns what changed in any of them.

    A failure of one index fails the request: repeating it is safe, and costs nothing where it had
    succeeded.
    """
    written = [
        await write(stages.indexer, scope.within(args.ingest_timeout_s).call())
        for stages in releases.indexes().values()
    ]
    return [
        max(outcomes, key=lambda outcome: _NEWS[outcome.status])
        for outcomes in zip(*written, strict=True)
    ]


async def delete_everywhere(
    document_id: str, releases: Releases, scope: RequestScope, args: GatewayArgs
) -> int:
    """Removes a document from every index, one after the other, and returns how many chunks it had.

    Raises:
        NotFound: no index has it.
    """
    call = scope.within(args.ingest_timeout_s).call()
    found: list[int | Exception] = []
    for stages in releases.indexes().values():
        found += await gather_outcomes(stages.retriever.delete(document_id, call=call))
    counts = [one for one in found if isinstance(one, int)]
    failures = [one for one in found if isinstance(one, Exception)]
    for failure in failures:
        if not counts or not isinstance(failure, NotFound):
            raise failure
    return max(counts)
