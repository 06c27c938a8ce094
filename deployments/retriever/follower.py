"""How the index in every replica's memory follows the store, which alone is the truth.

The guarantee: a search that begins after a write was acknowledged sees that write, whichever
replicas took the two. The writer announces a change after the chunks are written, and acknowledges
it no sooner than `LEASE_S` later; a replica asks for announcements that its index has not seen, and
reads the documents they name again, before every search that begins `LEASE_S` or more after it last
asked. So whatever was announced since it asked is not acknowledged yet. A search during a write may
find the former text or the new one. Where the store does not answer when it is asked, a search
fails; no answer comes from an index that may be behind.

A write that was cut off before its announcement may stay unseen until it is repeated; its record is
without a fingerprint, so that it will be.

While a document is read, another write may take its place and remove its chunks. So the chunks are
counted, and what is not whole is read again; what never is has been damaged, and is to be written
again.
"""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import Protocol

from deployments.contracts.documents import Chunk
from deployments.contracts.vectors import Vectors
from deployments.retriever.change_log import LEASE_S, WriterLog
from deployments.retriever.chunk_index import ChunkIndex
from deployments.retriever.tenancy.states import TenantStates
from deployments.retriever.versions import Version

_GROUP_DOCUMENTS = 32
"""Documents whose chunks are read at once, which bounds what is in memory while an index fills."""

_READS = 4
"""How often a document is read whose chunks go while they are read."""

_log = logging.getLogger("ray.serve")


class Source(Protocol):
    """What a follower reads. Every method blocks, and raises Unavailable."""

    def numbers(self) -> Mapping[str, int]:
        """Returns how many changes each writer has announced; asked all the time."""
        ...

    def logs(self) -> Mapping[str, WriterLog]:
        """Returns what each writer changed last."""
        ...

    def versions(self, document_ids: Sequence[str] | None = None) -> dict[str, Version]:
        """Returns the versions of those documents that are there, or of all."""
        ...

    def chunks(self, versions: Mapping[str, Version]) -> Iterable[tuple[list[Chunk], Vectors]]:
        """Returns the chunks that those versions have with their vectors, some at a time."""
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
        self._states = TenantStates()
        self._torn: set[str] = set()
        self.damaged: frozenset[str] = frozenset()
        """Documents that the store does not have whole, as of the last look."""
        self._syncing = Lock()

    @property
    def is_current(self) -> bool:
        """Whether the index has all that was acknowledged before this moment, so that `sync` has
        nothing to ask."""
        return self._now() - self._asked_at_s < LEASE_S

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
            versions = self._source.versions()
            changed = _differing(self._held, versions)
        else:
            versions = self._source.versions(sorted(changed))
        self._read_again(sorted(changed), versions)
        self._seen = {writer: log.number for writer, log in logs.items()}

    def _read_again(self, document_ids: Sequence[str], versions: Mapping[str, Version]) -> None:
        for start in range(0, len(document_ids), _GROUP_DOCUMENTS):
            group: Sequence[str] = document_ids[start : start + _GROUP_DOCUMENTS]
            of_group = {name: versions[name] for name in group if name in versions}
            for _ in range(_READS):
                self._read(group, of_group)
                group = sorted(self._torn & set(group))
                if not group:
                    break
                of_group = self._source.versions(group)
        self._index.commit(self._states.digests())
        former, self.damaged = self.damaged, frozenset(self._torn)
        for document_id in sorted(self.damaged - former):
            _log.error("The store has document %r without some of its chunks.", document_id)

    def _read(self, document_ids: Sequence[str], versions: Mapping[str, Version]) -> None:
        """Reads documents once; those that were not whole are torn."""
        self._index.remove(document_ids)
        counts: Counter[str] = Counter()
        for chunks, vectors in self._source.chunks(versions):
            self._index.add(chunks, vectors)
            counts.update(chunk.document_id for chunk in chunks)
        for document_id in document_ids:
            version = versions.get(document_id)
            # The record of an old document counts chunks that may be there.
            is_torn = version is not None and bool(
                version.write_id and counts[document_id] != version.record.chunk_count
            )
            (self._torn.add if is_torn else self._torn.discard)(document_id)
            mark = None if version is None else "" if is_torn else version.mark
            self._states.change(document_id, self._held.get(document_id), mark)
            if mark is None:
                self._held.pop(document_id, None)
            else:
                self._held[document_id] = mark


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


def _differing(held: Mapping[str, str], versions: Mapping[str, Version]) -> set[str]:
    """Returns the documents that may differ; one without a mark always may."""
    return {document_id for document_id in held if document_id not in versions} | {
        document_id
        for document_id, version in versions.items()
        if not version.mark or held.get(document_id) != version.mark
    }
