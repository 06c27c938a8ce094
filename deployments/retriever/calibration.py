"""What a collection knows of itself: how much it holds, a sample of it, and the score below which
its chunks do not support an answer.

The calibration is one row of a collection beside the chunks, so that every replica and every later
start finds it, and it goes where the collection goes.
"""

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from deployments.contracts.documents import Chunk
from deployments.contracts.search import Calibration, CollectionFacts
from deployments.contracts.tenants import Access
from deployments.retriever.chroma.connection import Chroma, no_vectors
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.tenancy.fields import where_tenant
from deployments.retriever.tenancy.names import is_of_tenant

_ROW = "calibration"
_KEY = "fitted"
_PAGE_IDS = 10_000
_SEED = 5
"""Any number: what is drawn depends on the collection alone, so that asking twice fits the same."""


class Calibrations:
    """Reads and writes the calibration of one collection, and remembers it. Safe to share between
    threads.

    Args:
        chroma: The connection to the collection.
    """

    def __init__(self, chroma: Chroma) -> None:
        self._chroma = chroma
        self.latest: Calibration | None = None
        """What was read or written last; asks nobody."""

    def read(self) -> Calibration | None:
        """Returns what is stored, None where nothing is, or what another version of the service
        stored in another form."""
        rows = self._chroma.guard(lambda: self._collection().get(ids=[_ROW], include=["metadatas"]))
        self.latest = _parsed(rows["metadatas"][0][_KEY]) if rows["ids"] else None
        return self.latest

    def write(self, calibration: Calibration) -> None:
        """Stores a calibration in place of the former one."""
        fitted = json.dumps(asdict(calibration))
        self._chroma.guard(
            lambda: self._collection().upsert(
                ids=[_ROW],
                embeddings=no_vectors(1),
                metadatas=[{_KEY: fitted}],
            )
        )
        self.latest = calibration

    def _collection(self) -> Any:
        return self._chroma.beside("calibration")


def generation_of(state: str, calibration: Calibration | None) -> str:
    """Returns what tells whether a search finds the same again, and counts it as found.

    Args:
        state: Of the documents; empty where nobody knows it, and so the generation is.
        calibration: Of the collection.
    """
    if not state:
        return ""
    fitted = json.dumps(None if calibration is None else asdict(calibration))
    return hashlib.sha256(f"{state} {fitted}".encode()).hexdigest()[:32]


def collection_facts(
    store: ChromaStore, calibrations: Calibrations, access: Access
) -> CollectionFacts:
    """Returns how much a collection holds of what somebody's tenant has, and its calibration as it
    is stored, which all tenants share."""
    asked = where_tenant(access)
    chunks = store.chroma.chunks
    if asked is None:
        chunk_count = int(store.chroma.guard(lambda: chunks().count()))
    else:
        found = store.chroma.guard(lambda: chunks().get(where=asked, include=[]))
        chunk_count = len(found["ids"])
    return CollectionFacts(store.documents.count(access), chunk_count, calibrations.read())


def sample_chunks(store: ChromaStore, *, limit: int, access: Access) -> list[Chunk]:
    """Returns up to `limit` chunks within reach, each as likely as any other, in random order.
    Reads all ids once, page by page: linear in the chunks of all tenants.

    Source: Vitter, Random Sampling with a Reservoir, ACM Transactions on Mathematical Software 11,
    1985, algorithm R.
    """
    draw = random.Random(_SEED)
    kept: list[str] = []
    for seen, row in enumerate(_ids(store.chroma, access), start=1):
        if len(kept) < limit:
            kept.append(row)
        elif (place := draw.randrange(seen)) < limit:
            kept[place] = row
    draw.shuffle(kept)
    return store.sampled(kept, access=access)


def _ids(chroma: Chroma, access: Access) -> Iterator[str]:
    """Yields the rows of somebody's tenant."""
    offset = 0
    while rows := _page(chroma, offset):
        offset += len(rows)
        yield from (row for row in rows if is_of_tenant(access, row))


def _page(chroma: Chroma, offset: int) -> list[str]:
    rows = chroma.guard(lambda: chroma.chunks().get(limit=_PAGE_IDS, offset=offset, include=[]))
    ids: list[str] = rows["ids"]
    return ids


def _parsed(fitted: str) -> Calibration | None:
    try:
        return Calibration(**json.loads(fitted))
    except (ValueError, TypeError):
        return None
