"""The change log that all replicas share: which documents each writer changed last.

Chroma can neither count up nor compare and swap, so every writer has a counter of its own that
nobody else writes. What a reader has seen of each is a version vector, which needs no clock.

Source: Parker et al., Detection of Mutual Inconsistency in Distributed Systems, IEEE Transactions
on Software Engineering, 1983.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import uuid4

from deployments.retriever.chroma.connection import no_vectors

LEASE_S = 0.1
"""A reader believes for so long that it has heard all that was acknowledged, and every write waits
as long before it is: ten questions a second instead of one for each batch of searches."""

_RECENT = "-recent"
_KEPT_IDS = 1024
"""Documents that a writer's row names, some 35 kB. A reader that is further behind has to compare
everything."""

_MAX_WRITERS = 64
"""Every start of a replica that writes is another writer; beyond this many the older half goes."""


@dataclass(frozen=True, slots=True)
class WriterLog:
    """What one writer changed: `number` counts its changes, `recent` are the documents of the last
    ones, oldest first."""

    number: int
    recent: tuple[tuple[str, ...], ...]


class ChangeLog:
    """Reads the log, and writes the part of one writer. Safe to share between threads.

    Args:
        open_collection: Returns Chroma's collection, which the log has for itself.
        guard: Runs a call of the library and turns what it raises into our errors.
    """

    def __init__(
        self,
        open_collection: Callable[[], Any],
        guard: Callable[[Callable[[], Any]], Any],
    ) -> None:
        self._open = open_collection
        self._guard = guard
        self._writing = Lock()
        self._recent: deque[tuple[str, ...]] = deque()
        self._begin()

    def announce(self, document_ids: Sequence[str]) -> None:
        """Says that these documents changed: after their chunks did, and before anybody is told.
        Returns when every replica has to ask before its next search."""
        self._add(document_ids)
        time.sleep(LEASE_S)

    def _add(self, document_ids: Sequence[str]) -> None:
        with self._writing:
            self._number += 1
            self._recent.append(tuple(document_ids))
            while sum(len(ids) for ids in self._recent) > _KEPT_IDS:
                self._recent.popleft()
            try:
                gone = self._surplus() if self._number == 1 else []
                if gone:
                    # A reader may have missed the rows that go: it has to compare everything.
                    self._recent.clear()
                self._write()
                if gone:
                    self._guard(lambda: self._open().delete(ids=gone))
            except BaseException:
                # The row may still arrive, after a later one: what follows goes to another.
                self._begin()
                raise

    def numbers(self) -> dict[str, int]:
        """Returns how many changes each writer has announced: one small question to the store."""
        found = self._guard(
            lambda: self._open().get(where={"number": {"$gte": 1}}, include=["metadatas"])
        )
        return dict(zip(found["ids"], (row["number"] for row in found["metadatas"]), strict=True))

    def logs(self) -> dict[str, WriterLog]:
        """Returns what each writer changed last."""
        found = self._guard(lambda: self._open().get(include=["metadatas"]))
        rows = dict(zip(found["ids"], found["metadatas"], strict=True))
        return {
            writer: _read(row["number"], rows.get(writer + _RECENT))
            for writer, row in rows.items()
            if "number" in row
        }

    def _begin(self) -> None:
        self._writer, self._number = uuid4().hex, 0
        self._recent.clear()

    def _write(self) -> None:
        recent = json.dumps(list(self._recent))
        self._guard(
            lambda: self._open().upsert(
                # In this order: whoever reads the number finds what it stands for.
                ids=[self._writer + _RECENT, self._writer],
                embeddings=no_vectors(2),
                metadatas=[{"last": self._number, "recent": recent}, {"number": self._number}],
            )
        )

    def _surplus(self) -> list[str]:
        """Returns the rows of the older half of the writers where there are too many."""
        writers = list(self.numbers())
        old = writers[: len(writers) // 2] if len(writers) >= _MAX_WRITERS else []
        return [row for writer in old for row in (writer, writer + _RECENT)]


def _read(number: int, recent: Any) -> WriterLog:
    if recent is None or recent["last"] < number:
        return WriterLog(number, ())
    return WriterLog(recent["last"], tuple(tuple(ids) for ids in json.loads(recent["recent"])))
