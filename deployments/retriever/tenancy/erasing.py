"""Taking everything of one tenant out of an index, step by step.

First its documents are deleted as any document is, so that every replica forgets them. Then goes
what that leaves, and what writes left that were cut off: chunks and sources that no record names,
and the marks of deletions, which hold ids. Whoever writes for the tenant meanwhile is to be stopped
before; what is written later is found when the erasing is repeated.
"""

from typing import Any

from deployments.contracts.tenants import Access, Erased
from deployments.retriever.chroma.connection import Chroma
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.chroma.versions import parse_row_id
from deployments.retriever.tenancy.fields import where_tenant
from deployments.retriever.tenancy.names import is_of_tenant

_STEP_DOCUMENTS = 200
_STEP_ROWS = 2_000


def erase_some(store: ChromaStore, tenant: str) -> Erased:
    """Removes some documents of a tenant, or where none is left, some of the other rows.

    Raises:
        Unavailable: The store does not answer; what was removed before stays so.
    """
    access = Access(tenant)
    versions, _ = store.documents.page(after=0, limit=_STEP_DOCUMENTS, access=access)
    if versions:
        store.bury(versions)
        chunk_count = sum(version.record.chunk_count for version in versions)
        return Erased({"documents": len(versions), "chunks": chunk_count}, is_done=False)
    chroma = store.chroma
    leftover = {
        "leftover_chunks": _remove_rows(chroma, chroma.chunks(), access),
        "leftover_sources": _remove_rows(chroma, chroma.beside("sources"), access),
        "deletion_marks": _remove_rows(chroma, chroma.beside("documents"), access),
    }
    counts = {what: count for what, count in leftover.items() if count}
    return Erased(counts, is_done=not counts)


def _remove_rows(chroma: Chroma, collection: Any, access: Access) -> int:
    asked = where_tenant(access)
    found = chroma.guard(lambda: collection.get(where=asked, limit=_STEP_ROWS, include=[]))
    # The names decide: a filter lets rows pass that say nothing.
    rows = [row for row in found["ids"] if is_of_tenant(access, parse_row_id(row)[0])]
    if rows:
        chroma.guard(lambda: collection.delete(ids=rows))
    return len(rows)
