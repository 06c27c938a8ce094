"""A few readers that wait for files: for a thread that reads one file, and for an event loop that
reads many."""

import asyncio
import math
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from queue import Empty, LifoQueue
from threading import Event, Lock

from deployments.contracts.documents import Document, ReadFailure, Upload
from deployments.indexer.cage.limits import ReadingArgs
from deployments.indexer.cage.pace import NO_PACE, Pace
from deployments.indexer.cage.reader import Due, Reader
from deployments.serving.concurrently import gather_or_cancel

_LOOK_EVERY_S = 0.1
_NOBODY_STOPS = Event()


class ReaderPool:
    """Reads files in child processes. Safe to share between threads.

    A child starts when its first file comes, or with `warm_up`; one that was killed or has grown is
    replaced when the next file comes.

    Args:
        limits: How many there are, and what one file may cost.
        pace: Whom the children stand back for; for nobody by default.
        stderr: Where the log of the children goes, as for `subprocess.Popen`; nowhere by default.
    """

    def __init__(
        self,
        limits: ReadingArgs,
        *,
        pace: Pace = NO_PACE,
        stderr: int | None = subprocess.DEVNULL,
    ) -> None:
        self._limits = limits
        self._pace = pace
        self._stderr = stderr
        self._turns: LifoQueue[Reader | None] = LifoQueue()
        self._lock = Lock()
        self._readers: set[Reader] = set()
        for _ in range(limits.processes):
            self._turns.put(None)

    def warm_up(self) -> None:
        """Starts all children, and returns before they are ready."""
        for _ in range(self._limits.processes):
            self._turns.get_nowait()
        for _ in range(self._limits.processes):
            self._turns.put(self._start())

    def read(
        self,
        upload: Upload,
        *,
        timeout_s: float = math.inf,
        patient_s: float = math.inf,
        stop: Event = _NOBODY_STOPS,
    ) -> Iterator[Document | ReadFailure]:
        """Yields the documents of a file, a failure in the place of each bad one. Blocks.

        Args:
            upload: The file.
            timeout_s: How long its reader is waited for and may read, beside the limit of one file.
            patient_s: For how long the reader stands back for questions.
            stop: Set by another thread when nobody waits any more.
        """
        began_s = time.monotonic()
        due = Due(began_s + timeout_s, hurries_at_s=began_s + patient_s)
        yield from self._read(upload, due, stop)

    def _read(self, upload: Upload, due: Due, stop: Event) -> Iterator[Document | ReadFailure]:
        turn = self._turn(due.deadline_s, stop)
        if turn is None:
            yield ReadFailure(upload.name, "There was no time left to read it.")
            return
        reader = turn[0] or self._start()
        try:
            yield from reader.read(upload, due=due, stop=stop)
        finally:
            if reader.is_usable:
                self._turns.put(reader)
            else:
                self._end(reader)
                self._turns.put(None)

    async def read_all(
        self, uploads: Sequence[Upload], *, timeout_s: float
    ) -> list[Document | ReadFailure]:
        """Returns the documents of all files in their order. When the caller is cancelled, the
        children that read for it are killed.

        Readers stand back for questions in the first half of the time, so that a large file, or
        the last of many, is read in the other half.
        """
        began_s = time.monotonic()
        due = Due(began_s + timeout_s, hurries_at_s=began_s + timeout_s / 2)
        turns = asyncio.Semaphore(self._limits.processes)  # else each file would hold a thread

        async def read_one(upload: Upload) -> list[Document | ReadFailure]:
            async with turns:
                stop = Event()
                try:
                    items = await asyncio.to_thread(lambda: list(self._read(upload, due, stop)))
                    return [with_acl(item, upload) for item in items]
                finally:
                    stop.set()

        found = await gather_or_cancel(*(read_one(upload) for upload in uploads))
        return [item for items in found for item in items]

    def close(self) -> None:
        """Ends all children."""
        with self._lock:
            readers = list(self._readers)
        for reader in readers:
            self._end(reader)

    def _turn(self, deadline_s: float, stop: Event) -> tuple[Reader | None] | None:
        """Returns a reader, or the right to start one; None where nobody waits any more."""
        while not stop.is_set() and (left_s := deadline_s - time.monotonic()) > 0:
            try:
                return (self._turns.get(timeout=min(left_s, _LOOK_EVERY_S)),)
            except Empty:
                continue
        return None

    def _start(self) -> Reader:
        reader = Reader(self._limits, self._pace, stderr=self._stderr)
        with self._lock:
            self._readers.add(reader)
        return reader

    def _end(self, reader: Reader) -> None:
        with self._lock:
            self._readers.discard(reader)
        reader.kill()


def with_acl(item: Document | ReadFailure, upload: Upload) -> Document | ReadFailure:
    """Returns what was read with who may read it, which is nothing that a file could say, or the
    child that reads it."""
    return replace(item, acl=upload.acl) if isinstance(item, Document) else item
