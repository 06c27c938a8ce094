"""What a collection knows of itself: how much it holds, a sample of it, and the score below which
its chunks do not support an answer.

The calibration is one row of a collection beside the chunks, so that every replica and every later
start finds it, and it goes where the collection goes.
"""

import json
import random
from dataclasses import asdict
from typing import Any

from deployments.contracts.documents import Chunk
from deployments.contracts.search import Calibration, CollectionFacts
from deployments.retriever.chroma import Chroma, no_vectors
from deployments.retriever.store import ChromaStore

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


def collection_facts(store: ChromaStore, calibrations: Calibrations) -> CollectionFacts:
    """Returns how much a collection holds, and its calibration as it is stored."""
    return CollectionFacts(
        store.documents.count(),
        store.chroma.guard(lambda: store.chroma.chunks().count()),
        calibrations.read(),
    )


def sample_chunks(store: ChromaStore, *, limit: int) -> list[Chunk]:
    """Returns up to `limit` chunks, each as likely as any other, in random order. Reads all ids
    once, page by page: linear in the chunks.

    Source: Vitter, Random Sampling with a Reservoir, ACM Transactions on Mathematical Software 11,
    1985, algorithm R.
    """
    draw = random.Random(_SEED)
    kept: list[str] = []
    seen = 0
    while page := _ids(store.chroma, offset=seen):
        for row in page:
            seen += 1
            if len(kept) < limit:
                kept.append(row)
            elif (place := draw.randrange(seen)) < limit:
                kept[place] = row
    draw.shuffle(kept)
    return store.sampled(kept)


def _ids(chroma: Chroma, *, offset: int) -> list[str]:
    rows = chroma.guard(lambda: chroma.chunks().get(limit=_PAGE_IDS, offset=offset, include=[]))
    ids: list[str] = rows["ids"]
    return ids


def _parsed(fitted: str) -> Calibration | None:
    try:
        return Calibration(**json.loads(fitted))
    except (ValueError, TypeError):
        return None
