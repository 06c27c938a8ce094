"""How the index of every replica follows the store, which alone is the truth.

The guarantee: a search that begins after a write was acknowledged sees that write, whichever
replicas took the two. The writer announces a change after the chunks are written, and acknowledges
it no sooner than `LEASE_S` later; a replica asks for announcements that its index has not seen, and
reads the documents they name again, before every search that begins `LEASE_S` or more after it last
asked. So whatever was announced since it asked is not acknowledged yet. A search during a write may
find the former text or the new one. Where the store does not answer when it is asked, a search
fails; no answer comes from an index that may be behind.

A write that was cut off before its announcement may stay unseen until it is repeated; its record is
without a fingerprint, so that it will be.

Where the index is in files, a follower begins with the generation that it finds and asks what was
announced since; a new generation takes the place of the former one, and of what memory had beside
it, in the same way. A store that has gone back, to a copy of itself, is compared whole.

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
from deployments.retriever.chroma.change_log import LEASE_S, WriterLog
from deployments.retriever.chroma.versions import Version
from deployments.retriever.disk.building import Changes
from deployments.retriever.disk.generation import Generation
from deployments.retriever.followed import Followed, followed_from
from deployments.retriever.index.chunk_index import ChunkIndex
from deployments.retriever.index.held import Held

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

    def identity(self) -> str:
        """Returns what tells this collection from every other, of the same name included."""
        ...

    def chunks(self, versions: Mapping[str, Version]) -> Iterable[tuple[list[Chunk], Vectors]]:
        """Returns the chunks that those versions have with their vectors, some at a time."""
        ...


class Files(Protocol):
    """The files of an index, as a follower knows them. Every method blocks."""

    def begin(self, identity: str) -> Generation | None:
        """Returns the generation to begin with. One that is no whole state of the store, or None,
        only where the files are this process's to write; else it waits."""
        ...

    def spill(self, followed: Followed) -> Generation | None:
        """Writes a generation of what was read, where memory has too much of it and the files are
        this process's to write."""
        ...


class Follower:
    """Keeps one index like the store. Safe to share between threads.

    Args:
        source: The store.
        index: Empty; nobody else changes it.
        files: Where it is kept; None for memory alone.
        now: Clock in seconds; monotonic.
    """

    def __init__(
        self,
        source: Source,
        index: ChunkIndex,
        files: Files | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._files = files
        self._now = now
        self._asked_at_s = -math.inf
        self._followed = Followed(index)
        self._is_begun = files is None
        self.damaged: frozenset[str] = frozenset()
        """Documents that the store does not have whole, as of the last look."""
        self._syncing = Lock()

    @property
    def is_current(self) -> bool:
        """Whether the index has all that was acknowledged before this moment, so that `sync` has
        nothing to ask."""
        return self._now() - self._asked_at_s < LEASE_S

    @property
    def generation(self) -> int | None:
        """The number of the generation below the index, None where there is none."""
        base = self._followed.index.base
        return None if base is None else base.generation.number

    @property
    def change_count(self) -> int:
        """Chunks that came or went since it was written."""
        return self._followed.index.change_count

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
            self._begin()
            self._catch_up(self._followed)
            self._asked_at_s = asked_at_s

    def adopt(self, generation: Generation) -> bool:
        """Puts a generation in the place of the former one and of all that memory has, and reads
        what was announced since. Returns whether it did: it does not where nobody knows what that
        is.

        Raises:
            Unavailable: The store does not answer; all is as it was.
        """
        with self._syncing:
            self._begin()
            fresh = followed_from(generation)
            if fresh.seen is None or changed_documents(fresh.seen, self._source.logs()) is None:
                return False
            # Beside the index that searches see: they go on meanwhile, and see all or nothing.
            self._catch_up(fresh, is_shown=False)
            self._take(fresh)
            return True

    def changes(self) -> tuple[Changes, bool]:
        """Returns what is to be written for the next generation, and whether it is anything."""
        with self._syncing:
            changes = self._followed.changes()
            is_any = bool(changes.documents or self._followed.index.change_count)
            former = None if changes.base is None else changes.base.generation.manifest
            is_new = former is None or (changes.seen is not None and not former.is_complete)
            return changes, is_any or is_new

    def restart(self) -> None:
        """Has the next `sync` begin anew, with whatever the files have then."""
        with self._syncing:
            self._is_begun = self._files is None
            self._asked_at_s = -math.inf

    def _begin(self) -> None:
        if self._is_begun or self._files is None:
            return
        fresh = followed_from(self._files.begin(self._source.identity()))
        numbers = self._source.numbers()
        if any(numbers.get(writer, 0) < number for writer, number in (fresh.seen or {}).items()):
            fresh.seen = None
        fresh.index.commit(fresh.states.digests())
        self._take(fresh)
        self._is_begun = True

    def _take(self, fresh: Followed) -> None:
        index = self._followed.index
        index.become(fresh.index)
        fresh.index = index
        self._followed = fresh
        self.damaged = frozenset(fresh.torn)

    def _catch_up(self, followed: Followed, *, is_shown: bool = True) -> None:
        seen = followed.seen
        if seen is not None and not is_behind(seen, self._source.numbers()):
            if not is_shown:
                followed.index.commit(followed.states.digests())
            return
        # What is announced here is read below: never the other way round.
        logs = self._source.logs()
        changed = None if seen is None else changed_documents(seen, logs)
        if changed is None:
            versions = self._source.versions()
            changed = _differing(followed.held, versions)
        else:
            versions = self._source.versions(sorted(changed))
        self._read_again(followed, sorted(changed), versions, is_shown=is_shown)
        followed.seen = {writer: log.number for writer, log in logs.items()}

    def _read_again(
        self,
        followed: Followed,
        document_ids: Sequence[str],
        versions: Mapping[str, Version],
        *,
        is_shown: bool,
    ) -> None:
        for start in range(0, len(document_ids), _GROUP_DOCUMENTS):
            group: Sequence[str] = document_ids[start : start + _GROUP_DOCUMENTS]
            of_group = {name: versions[name] for name in group if name in versions}
            for _ in range(_READS):
                self._read(followed, group, of_group)
                group = sorted(followed.torn & set(group))
                if not group:
                    break
                of_group = self._source.versions(group)
            followed.index.commit(followed.states.digests())
            if is_shown:
                self._report(followed)
                self._spill(followed)

    def _spill(self, followed: Followed) -> None:
        generation = None if self._files is None else self._files.spill(followed)
        if generation is not None:
            followed.rest_on(followed_from(generation))

    def _report(self, followed: Followed) -> None:
        former, self.damaged = self.damaged, frozenset(followed.torn)
        for document_id in sorted(self.damaged - former):
            _log.error("The store has document %r without some of its chunks.", document_id)

    def _read(
        self, followed: Followed, document_ids: Sequence[str], versions: Mapping[str, Version]
    ) -> None:
        """Reads documents once; those that were not whole are torn."""
        followed.index.remove(document_ids)
        counts: Counter[str] = Counter()
        for chunks, vectors in self._source.chunks(versions):
            followed.index.add(chunks, vectors)
            counts.update(chunk.document_id for chunk in chunks)
        for document_id in document_ids:
            version = versions.get(document_id)
            # The record of an old document counts chunks that may be there.
            is_torn = version is not None and bool(
                version.write_id and counts[document_id] != version.record.chunk_count
            )
            (followed.torn.add if is_torn else followed.torn.discard)(document_id)
            followed.note(document_id, None if version is None else "" if is_torn else version.mark)


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


def _differing(held: Held, versions: Mapping[str, Version]) -> set[str]:
    """Returns the documents that may differ; one without a mark always may."""
    differing = {name for name, version in versions.items() if not version.mark}
    known = set()
    for document_id, mark in held.items():
        version = versions.get(document_id)
        known.add(document_id)
        if version is None or version.mark != mark:
            differing.add(document_id)
    return differing | (versions.keys() - known)
