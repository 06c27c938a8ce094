"""Which folder the files of an index are in, and which of them nobody needs any more."""

import hashlib
import logging
import re
import shutil

from deployments.node_folder import node_folder
from deployments.retriever.config import RetrieverArgs
from deployments.retriever.disk.folder import IndexFolder
from deployments.retriever.disk.keeper import IndexKeeper

_log = logging.getLogger("ray.serve")


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


def remove_other_deals(settings: RetrieverArgs) -> None:
    """Removes what there is of the same collection dealt over another number of shards, but for
    what some process still writes: its documents are here by now, and nobody else would."""
    folder = node_folder(settings.index.path)
    if folder is None or not folder.is_dir():
        return
    own = re.compile(rf"{re.escape(_index_name(settings))}(-\d+-of-(?P<shards>\d+))?")
    for other in folder.iterdir():
        match = own.fullmatch(other.name)
        if match is None or int(match["shards"] or 1) == settings.shards:
            continue
        lock = IndexFolder(other, identity="")
        try:
            if lock.try_lock():
                shutil.rmtree(other)
        except OSError as error:
            _log.warning("The index in %s, which nobody needs, cannot be removed: %s", other, error)
        finally:
            lock.unlock()


def _name(settings: RetrieverArgs) -> str:
    """Returns a name that two shards do not share, which may be on one node."""
    name = _index_name(settings)
    return name if settings.shards == 1 else f"{name}-{settings.deal()}"


def _index_name(settings: RetrieverArgs) -> str:
    """Returns a name that collections of one name in several stores do not share."""
    store = settings.store
    digest = hashlib.sha256((store.url or store.path or "").encode()).hexdigest()[:12]
    return f"{store.collection}-{digest}"
