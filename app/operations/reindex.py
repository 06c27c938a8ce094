"""Fills one version of the index from another, page by page, while both serve."""

from dataclasses import dataclass

from app.releases.route import RetrievalStages
from app.request.scope import RequestScope
from deployments.contracts.documents import DocumentRecord, IngestOutcome
from deployments.contracts.errors import NotFound

_PASSES = 3
"""How often a document is copied that changes while it is copied; its writers write to both."""
_NO_SOURCE = "Its text was not kept when it was written. Ingest it again."


@dataclass(frozen=True, slots=True)
class ReindexedPage:
    """What became of the documents of a page; `next_sequence` is None after the last one."""

    outcomes: tuple[IngestOutcome, ...]
    next_sequence: int | None
    total: int


async def reindex_page(
    source: RetrievalStages,
    target: RetrievalStages,
    scope: RequestScope,
    *,
    after: int,
    limit: int,
) -> ReindexedPage:
    """Returns what became of the documents after a place in the list.

    Doing it again is safe: what the target has already stays as it is. A document that is changed
    or deleted meanwhile ends as it is in the source.
    """
    page = await source.retriever.sources(after=after, limit=limit, call=scope.call())
    known = {document.id for document in page.documents}
    outcomes = {
        record.id: IngestOutcome(record.path, "failed", record.id, message=_NO_SOURCE)
        for record in page.records
        if record.id not in known
    }
    documents, seen = page.documents, {record.id: record for record in page.records}
    for _ in range(_PASSES):
        if not documents:
            break
        for outcome in await target.indexer.ingest(documents, (), call=scope.call()):
            outcomes[outcome.document_id] = outcome
        now = await source.retriever.records([entry.id for entry in documents], call=scope.call())
        await _delete(target, [entry.id for entry in documents if entry.id not in now], scope)
        changed = [record for record in now.values() if _differs(record, seen[record.id])]
        seen |= {record.id: record for record in changed}
        documents = ()
        for record in changed:
            again = await source.retriever.sources(
                after=record.sequence - 1, limit=1, call=scope.call()
            )
            documents += tuple(entry for entry in again.documents if entry.id == record.id)
    return ReindexedPage(tuple(outcomes.values()), page.next_sequence, page.total)


def _differs(now: DocumentRecord, then: DocumentRecord) -> bool:
    return now.fingerprint != then.fingerprint


async def _delete(target: RetrievalStages, document_ids: list[str], scope: RequestScope) -> None:
    for document_id in document_ids:
        try:
            await target.retriever.delete(document_id, call=scope.call())
        except NotFound:
            continue
