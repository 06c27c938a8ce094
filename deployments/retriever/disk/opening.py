"""Which folder the files of an index are in."""

import hashlib

from deployments.node_folder import node_folder
from deployments.retriever.config import RetrieverArgs
from deployments.retriever.disk.keeper import IndexKeeper


def open_keeper(settings: RetrieverArgs) -> IndexKeeper | None:
    """Returns what keeps the files of an index, None where it is in memory alone. Nothing is
    written before the store has answered."""
    folder = node_folder(settings.index.path)
    if folder is None:
        return None
    return IndexKeeper(
        folder / _name(settings),
        max_pending_chunks=settings.index.max_pending_chunks,
        max_pending_s=settings.index.max_pending_s,
    )


def _name(settings: RetrieverArgs) -> str:
    """Returns a name that collections of one name in several stores do not share, nor two shards,
    which may be on one node."""
    store = settings.store
    digest = hashlib.sha256((store.url or store.path or "").encode()).hexdigest()[:12]
    name = f"{store.collection}-{digest}"
    return name if settings.shards == 1 else f"{name}-{settings.deal()}"
