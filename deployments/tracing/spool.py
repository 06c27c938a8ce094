"""A bounded ring of encoded batches on disk, that outlives the process that wrote it.

Every process has a folder of its own, and a lock beside it that the kernel frees when the process
dies, however it dies; then another process adopts the files. A lock tells the living from the dead
across containers that share a volume too, where a pid says nothing.
"""

import os
import re
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from uuid import uuid4

from filelock import FileLock, Timeout

from deployments.tracing.counters import TraceCounters

_MAGIC = b"RSB1"
_HEADER_BYTES = len(_MAGIC) + 4
_BLOCK_BYTES = 4096
"""A file takes whole blocks. Without counting them, many small files would take far more room than
their bound."""
_NAME = re.compile(r"\d{20}-(\d+)-[0-9a-f]{32}-\d+\.batch")


@dataclass(frozen=True, slots=True)
class Batch:
    """Encoded spans: the body of one OTLP request, compressed. `name` is that of its file, empty
    for a batch that is in memory only. `made_ns`, since the epoch, is its place in the order."""

    body: bytes
    spans: int
    name: str = ""
    made_ns: int = field(default_factory=time.time_ns)


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    spans: int
    size_bytes: int


class Spool:
    """The spool of one process for one destination; safe to call from any thread.

    Nothing here raises when the disk is full or the folder cannot be written: what cannot be kept
    is counted. Files are not forced to the platter: they outlive the process, and mostly, but not
    for certain, a power cut.

    Args:
        folder: What all processes share that send to this destination.
        max_bytes: Bound of this process, in bytes on disk.
        counters: Told of what is kept, adopted and dropped.
    """

    def __init__(self, folder: Path, max_bytes: int, counters: TraceCounters) -> None:
        self._shared = folder
        self._max_bytes = max_bytes
        self._counters = counters
        self._owner = uuid4().hex
        self._own = folder / self._owner
        self._own_lock = _lock_of(self._own)
        self._mutex = RLock()
        self._files: deque[_File] = deque()
        self._taken: dict[str, _File] = {}
        self._bytes = 0
        self._written = 0
        self._closed = False
        with suppress(OSError, Timeout):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The lock comes first: a folder without one is a dead process's.
            self._own_lock.acquire(blocking=False)
            self._own.mkdir(mode=0o700)

    def __len__(self) -> int:
        return len(self._files)

    @property
    def size_bytes(self) -> int:
        """Room that the files take on disk."""
        return self._bytes

    def add(self, batch: Batch) -> None:
        """Keeps a batch, and drops the oldest ones where there is no room for it."""
        size_bytes = _on_disk(len(batch.body) + _HEADER_BYTES)
        with self._mutex:
            if self._closed:
                self._counters.drop("shut_down", batch.spans)
                return
            while self._files and self._bytes + size_bytes > self._max_bytes:
                oldest = self._files.popleft()
                self._unlink(oldest)
                self._counters.drop("spool_full", oldest.spans)
            if self._bytes + size_bytes > self._max_bytes:
                self._counters.drop("spool_full", batch.spans)
                return
            self._written += 1
            name = f"{batch.made_ns:020d}-{batch.spans}-{self._owner}-{self._written}.batch"
            if not self._write(name, batch.body):
                self._counters.drop("spool_failed", batch.spans)
                return
            late = bool(self._files) and name < self._files[-1].name
            self._files.append(_File(name, batch.spans, size_bytes))
            self._bytes += size_bytes
            if late:  # it was under way while younger ones came here
                self.sort()
        self._counters.count("spooled", batch.spans)

    def take(self) -> Batch | None:
        """Returns the oldest batch, None where there is none, or none that can be read now. Its
        file stays until `done`."""
        with self._mutex:
            while self._files and not self._closed:
                file = self._files.popleft()
                try:
                    body = self._read(file)
                except OSError:  # too many open files, say: the batch may be whole all the same
                    self._files.appendleft(file)
                    return None
                if body is not None:
                    self._taken[file.name] = file
                    return Batch(body, file.spans, file.name)
                self._unlink(file)
                self._counters.drop("corrupted", file.spans)
        return None

    def done(self, batch: Batch) -> None:
        """Removes a batch that was taken."""
        with self._mutex:
            self._unlink(self._taken.pop(batch.name))

    def put_back(self, batch: Batch, *, last: bool = False) -> None:
        """Returns a batch to its place, or behind all others."""
        with self._mutex:
            file = self._taken.pop(batch.name)
            if last:
                self._files.append(file)
            else:
                self._files.appendleft(file)

    def bodies(self) -> Iterator[bytes]:
        """Yields what batches hold that nobody has taken and that can be read."""
        with self._mutex:
            files = list(self._files)
        for file in files:
            with suppress(OSError):
                if (body := self._read(file)) is not None:
                    yield body

    def rewrite(self, without: Callable[[bytes], tuple[bytes, int]]) -> int:
        """Has every batch that nobody has taken hold less, and returns how many spans that were.
        One that cannot be written again goes whole.

        Args:
            without: Returns what is left of a body, and how many spans were removed.

        Raises:
            OSError: a batch cannot be read now.
        """
        removed = 0
        with self._mutex:
            for file in [] if self._closed else list(self._files):
                body = self._read(file)
                left, count = (b"", 0) if body is None else without(body)
                if not count:
                    continue
                removed += count
                self._files.remove(file)
                self._unlink(file)
                spans = file.spans - count
                if spans > 0:
                    self._put(file, left, spans)
            self.sort()
        return removed

    def _put(self, former: _File, body: bytes, spans: int) -> None:
        made, _, rest = former.name.split("-", 2)
        file = _File(f"{made}-{spans}-{rest}", spans, _on_disk(len(body) + _HEADER_BYTES))
        if not self._write(file.name, body):
            self._counters.drop("spool_failed", spans)
            return
        self._files.append(file)
        self._bytes += file.size_bytes

    def sort(self) -> None:
        """Brings the batches into the order of their age again."""
        with self._mutex:
            self._files = deque(sorted(self._files, key=lambda file: file.name))

    def adopt(self) -> int:
        """Takes over what dead processes left, as far as there is room, and returns the number of
        spans. The rest stays for another one: nothing is dropped for it, and as only a process
        whose spool has room adopts, all spools together stay within the bounds of the processes
        that ever lived at the same time."""
        adopted: list[_File] = []
        with self._mutex, suppress(OSError):
            if self._closed:
                return 0
            for folder in sorted(self._shared.iterdir()):
                if folder != self._own and folder.is_dir():
                    with suppress(OSError, Timeout), _held(folder):
                        self._empty(folder, adopted)
            if adopted:
                self._files.extend(adopted)
                self.sort()
        spans = sum(file.spans for file in adopted)
        self._counters.count("adopted", spans)
        return spans

    def close(self) -> None:
        """Leaves the files to whoever comes next."""
        with self._mutex:
            if not self._closed:
                self._closed = True
                with suppress(OSError):
                    self._own.rmdir()  # fails where files are left
                    Path(self._own_lock.lock_file).unlink(missing_ok=True)
                self._own_lock.release()

    def _empty(self, folder: Path, adopted: list[_File]) -> None:
        for path in sorted(folder.iterdir()):
            if not (match := _NAME.fullmatch(path.name)):
                path.unlink()  # its process died while it wrote
                continue
            file = _File(path.name, int(match[1]), _on_disk(path.stat().st_size))
            if self._bytes + file.size_bytes > self._max_bytes:
                return
            path.replace(self._own / path.name)
            self._bytes += file.size_bytes
            adopted.append(file)
        folder.rmdir()
        Path(_lock_of(folder).lock_file).unlink(missing_ok=True)

    def _write(self, name: str, body: bytes) -> bool:
        partial = self._own / f"{name}.part"
        try:
            with partial.open("wb") as out:
                out.write(_MAGIC + zlib.crc32(body).to_bytes(4, "big"))
                out.write(body)
            partial.replace(self._own / name)
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            return False
        return True

    def _read(self, file: _File) -> bytes | None:
        try:
            content = (self._own / file.name).read_bytes()
        except FileNotFoundError:
            return None
        body = content[_HEADER_BYTES:]
        header = _MAGIC + zlib.crc32(body).to_bytes(4, "big")
        return body if content[:_HEADER_BYTES] == header else None

    def _unlink(self, file: _File) -> None:
        self._bytes -= file.size_bytes
        with suppress(OSError):
            os.unlink(self._own / file.name)


def _on_disk(size_bytes: int) -> int:
    return -(-size_bytes // _BLOCK_BYTES) * _BLOCK_BYTES


def _lock_of(folder: Path) -> FileLock:
    return FileLock(folder.with_name(f"{folder.name}.lock"), thread_local=False)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Holds the folder of a dead process. Raises Timeout where its process lives."""
    lock = _lock_of(folder)
    lock.acquire(blocking=False)
    try:
        yield
    finally:
        lock.release()
