"""How the index in every replica's memory follows the store, which alone is the truth.

The guarantee: a search that begins after a write was acknowledged sees that write, whichever
replicas took the two. The writer announces a change after the chunks are written, and acknowledges
it no sooner than `LEASE_S` later; a replica asks for announcements that its index has not seen, and
reads the documents they name again, before every search that begins `LEASE_S` or more after it last
asked. So whatever was announced since it asked is not acknowledged yet. A search during a write may
find the former text or the new one. Where the store does not answer when it is asked, a search
fails; no answer comes from an index that may be behind.

A write that was cut off before its announcement stays unseen until it is repeated; its record is
open, so that it will be.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import Protocol

from deployments.contracts.documents import Chunk, Vectors
from deployments.retriever.change_log import LEASE_S, WriterLog
from deployments.retriever.chunk_index import ChunkIndex

_GROUP_DOCUMENTS = 32
"""Documents whose chunks are read at once, which bounds what is in memory while an index fills."""


class Source(Protocol):
    """What a follower reads. Every method blocks, and raises Unavailable."""

    def numbers(self) -> Mapping[str, int]:
        """Returns how many changes each writer has announced; asked all the time."""
        ...

    def logs(self) -> Mapping[str, WriterLog]:
        """Returns what each writer changed last."""
        ...

    def fingerprints(self, document_ids: Sequence[str] | None = None) -> dict[str, str]:
        """Returns the fingerprints of those documents that are there, or of all; empty for one
        that is being written."""
        ...

    def chunks(self, document_ids: Sequence[str]) -> Iterable[tuple[list[Chunk], Vectors]]:
        """Returns all chunks of those documents with their vectors, some at a time."""
        ...


class Follower:
    """Keeps one index like the store. Safe to share between threads.

    Args:
        source: The store.
        index: Empty; nobody else changes it.
        now: Clock in seconds; monotonic.
    """

    def __init__(
        self, source: Source, index: ChunkIndex, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._index = index
        self._now = now
        self._asked_at_s = -math.inf
        self._seen: dict[str, int] | None = None
        self._held: dict[str, str] = {}
        self._syncing = Lock()

    def sync(self) -> None:
        """Brings the index to a state of the store that has all that was acknowledged before the
        call; the first time fills it. Costs one small question where nothing changed, and none soon
        after another. Repeat it if it fails.

        Raises:
            Unavailable: The store does not answer.
        """
        called_at_s = self._now()
        with self._syncing:
            if called_at_s - self._asked_at_s < LEASE_S:
                return
            asked_at_s = self._now()
            self._catch_up()
            self._asked_at_s = asked_at_s

    def _catch_up(self) -> None:
        if self._seen is not None and not is_behind(self._seen, self._source.numbers()):
            return
        # What is announced here is read below: never the other way round.
        logs = self._source.logs()
        changed = None if self._seen is None else changed_documents(self._seen, logs)
        if changed is None:
            fingerprints = self._source.fingerprints()
            changed = _differing(self._held, fingerprints)
        else:
            fingerprints = self._source.fingerprints(sorted(changed))
        self._read_again(sorted(changed), fingerprints)
        self._seen = {writer: log.number for writer, log in logs.items()}

    def _read_again(self, document_ids: Sequence[str], fingerprints: Mapping[str, str]) -> None:
        for start in range(0, len(document_ids), _GROUP_DOCUMENTS):
            group = document_ids[start : start + _GROUP_DOCUMENTS]
            self._index.remove(group)
            for chunks, vectors in self._source.chunks(group):
                self._index.add(chunks, vectors)
            for document_id in group:
                if document_id in fingerprints:
                    self._held[document_id] = fingerprints[document_id]
                else:
                    self._held.pop(document_id, None)
        self._index.commit()


def is_behind(seen: Mapping[str, int], numbers: Mapping[str, int]) -> bool:
    """Returns whether a writer has announced more than was seen, or is no longer there to ask."""
    return not seen.keys() <= numbers.keys() or any(
        number > seen.get(writer, 0) for writer, number in numbers.items()
    )


def changed_documents(seen: Mapping[str, int], logs: Mapping[str, WriterLog]) -> set[str] | None:
    """Returns the documents that changed since `seen`, None where the logs do not reach back that
    far."""
    if not seen.keys() <= logs.keys():
        return None
    changed: set[str] = set()
    for writer, log in logs.items():
        missed = log.number - seen.get(writer, 0)
        if missed > len(log.recent):
            return None
        if missed > 0:
            changed.update(*log.recent[-missed:])
    return changed


def _differing(held: Mapping[str, str], fingerprints: Mapping[str, str]) -> set[str]:
    """Returns the documents that may differ; one that was being written always may."""
    return {one for one in held if one not in fingerprints} | {
        document_id
        for document_id, fingerprint in fingerprints.items()
        if not fingerprint or held.get(document_id) != fingerprint
    }
