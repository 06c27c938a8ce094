"""Keeps the files of an index: one process of the node writes them, all read.

Nothing that a search waits for writes a file. What is newer than the last generation is in memory,
and stays there where the disk is full, until it can be written.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Protocol

from deployments.contracts.errors import Unavailable
from deployments.retriever.disk.building import Changes, write_generation
from deployments.retriever.disk.files import Damaged
from deployments.retriever.disk.folder import IndexFolder
from deployments.retriever.disk.generation import Generation
from deployments.retriever.disk.memory import give_back
from deployments.retriever.followed import Followed

SPILL_CHUNKS = 20_000
"""Chunks in memory while an index is filled, some 80 MB: more are written."""

_WAIT_S = 0.2
_PATIENCE_S = 180.0
"""Time without a new generation after which a process no longer waits for another to fill the
index, and reads everything into its own memory."""

_REST_S = 30.0
"""Time between two tries where the disk takes nothing."""

_log = logging.getLogger("ray.serve")


class Follower(Protocol):
    """What the keeper asks of a follower."""

    @property
    def generation(self) -> int | None:
        """The number of the generation below the index, None where there is none."""
        ...

    @property
    def change_count(self) -> int:
        """Chunks that came or went since it was written."""
        ...

    def changes(self) -> tuple[Changes, bool]:
        """Returns what is to be written, and whether it is anything."""
        ...

    def adopt(self, generation: Generation) -> bool:
        """Puts a generation in the place of the former one; returns whether it did."""
        ...

    def restart(self) -> None:
        """Has the follower begin anew, with what the files have then."""
        ...


class IndexKeeper:
    """Opens, writes and merges generations for one process. Safe to share between threads; every
    method blocks.

    Args:
        root: The folder of this index on this node.
        max_pending_chunks: Chunks in memory for which a generation is written at once.
        max_pending_s: Time after which one is written for any change.
        now: Clock in seconds; monotonic.
        sleep: Waits.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_pending_chunks: int,
        max_pending_s: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._root = root
        self._max_pending_chunks = max_pending_chunks
        self._max_pending_s = max_pending_s
        self._now = now
        self._sleep = sleep
        self._folder: IndexFolder | None = None
        self._written_at_s = now()
        self._failed_at_s: float | None = None
        self._keeping = Lock()
        self._writing = Lock()

    @property
    def is_writer(self) -> bool:
        """Whether this process writes the files."""
        return self._folder is not None and self._folder.is_locked

    def begin(self, identity: str) -> Generation | None:
        """Returns the generation to begin with; see `Files`. Waits while another process fills the
        index, as long as it comes on.

        Raises:
            Unavailable: The files cannot be read at this moment.
        """
        if self._folder is not None:
            self._folder.unlock()
        folder = IndexFolder(self._root, identity)
        known, known_at_s = folder.current(), self._now()
        self._folder = folder
        while True:
            is_writer = self._try_lock(folder)
            if self._is_resting():
                return None
            generation = self._load(folder)
            if is_writer:
                with suppress(OSError):
                    folder.clean(None if generation is None else generation.manifest)
            if is_writer or (generation is not None and generation.manifest.is_complete):
                return generation
            if folder.current() != known:
                known, known_at_s = folder.current(), self._now()
            if self._now() - known_at_s > _PATIENCE_S:
                _log.warning("The index in files does not come on: it is read into memory.")
                return None
            self._sleep(_WAIT_S)

    def spill(self, followed: Followed) -> Generation | None:
        """Writes what was read where memory has too much of it; see `Files`."""
        if followed.index.change_count < SPILL_CHUNKS or not self.is_writer:
            return None
        return self._write(followed.changes())

    def step(self, follower: Follower) -> None:
        """Does what is due: takes over what another process has written, or writes. To be called
        again and again.

        Raises:
            Unavailable: The store does not answer; all is as it was.
        """
        folder = self._folder
        if folder is None or self._is_resting():
            return
        with self._keeping:
            is_writer = self._try_lock(folder)
            if self._is_resting():
                return
            current, own = folder.current(), follower.generation
            if current is not None and current > (own or 0):
                generation = self._load(folder)
                if generation is None or follower.adopt(generation) or not is_writer:
                    return
                # Another process has left something that nobody can go on from.
                self._flush(follower)
            elif is_writer and current != own:
                _log.warning("The files of the index are gone: they are made anew.")
                follower.restart()
            elif is_writer and self._is_due(follower):
                self._flush(follower)

    def _is_due(self, follower: Follower) -> bool:
        waited_s = self._now() - self._written_at_s
        return (
            follower.change_count >= self._max_pending_chunks
            or waited_s >= self._max_pending_s
            or follower.generation is None
        )

    def _flush(self, follower: Follower) -> None:
        changes, is_any = follower.changes()
        if not is_any:
            self._written_at_s = self._now()
            return
        generation = self._write(changes)
        if generation is not None:
            follower.adopt(generation)

    def _write(self, changes: Changes) -> Generation | None:
        folder = self._folder
        if folder is None or self._is_resting() or not self._writing.acquire(blocking=False):
            return None
        try:
            return self._written(folder, changes)
        finally:
            self._writing.release()

    def _written(self, folder: IndexFolder, changes: Changes) -> Generation | None:
        try:
            manifest = write_generation(folder, changes)
        except (OSError, ValueError) as error:
            # tantivy says with a ValueError that a disk is full.
            _log.warning("The files of the index could not be written, memory keeps it: %s", error)
            self._failed_at_s = self._now()
            return None
        self._failed_at_s = None
        self._written_at_s = self._now()
        generation = self._load(folder)
        with suppress(OSError):
            folder.clean(manifest)
        give_back()
        return generation

    def _is_resting(self) -> bool:
        return self._failed_at_s is not None and self._now() - self._failed_at_s < _REST_S

    def _try_lock(self, folder: IndexFolder) -> bool:
        try:
            return folder.try_lock()
        except OSError as error:
            _log.warning("The index stays in memory, its folder cannot be written to: %s", error)
            self._failed_at_s = self._now()
            return False

    def _load(self, folder: IndexFolder) -> Generation | None:
        try:
            return folder.load()
        except Damaged as error:
            _log.warning("The files of the index are made anew: %s", error)
            with suppress(OSError):
                folder.discard()
            return None
        except OSError as error:
            _log.warning("The files of the index cannot be read: %s", error)
            raise Unavailable("The index cannot be read.", "retriever", _REST_S) from error
