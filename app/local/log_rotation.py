"""Keeps logs within a bound while who writes them goes on: a log that has grown is copied into a
compressed archive and emptied, and the oldest files of a folder are deleted.

Emptying in place asks nothing of the writer, which only has to append; lines that it writes between
the end of the copy and the emptying, some microseconds, are lost.
"""

import contextlib
import gzip
import os
import re
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_ARCHIVE = ".gz"
_CLOSED = re.compile(r"\.\d+(\.gz)?$")
"""Names of rotated parts, ours and Ray's: nobody adds to them."""
_DRAFT = ".tmp"
_PERHAPS_OPEN_S = 86_400.0
"""A log to which nothing was added for so long is of a process that has ended."""


@dataclass(frozen=True)
class LogLimits:
    """How much is kept.

    Args:
        file_bytes: Over it a log is archived.
        archives: Older parts of each log, compressed to about a tenth.
        folder_bytes: Of all logs in a folder, archives included; the oldest go first.
    """

    file_bytes: int = 16 * 2**20
    archives: int = 3
    folder_bytes: int = 512 * 2**20

    @classmethod
    def of_file(cls, file_bytes: int) -> "LogLimits":
        """Returns the bounds where a log may have so many bytes."""
        return cls(file_bytes=file_bytes, folder_bytes=32 * file_bytes)


def rotate(log_file: Path, limits: LogLimits) -> bool:
    """Archives a log that is over its bound, and returns whether it was.

    The newest archive is `<name>.1.gz`. Where the disk is full the log is emptied all the same.
    """
    try:
        if log_file.stat().st_size <= limits.file_bytes:
            return False
    except OSError:
        return False
    archive(log_file, limits)
    return True


def archive_rest(log_file: Path, limits: LogLimits) -> None:
    """Archives what an earlier run has left in a log, however little: a new run begins it anew."""
    with contextlib.suppress(OSError):
        if log_file.stat().st_size:
            archive(log_file, limits)


def archive(log_file: Path, limits: LogLimits) -> None:
    """Moves what a log holds into its newest archive."""
    with contextlib.suppress(OSError):
        for number in range(limits.archives, 0, -1):
            older = _archive_of(log_file, number)
            if number == limits.archives:
                older.unlink(missing_ok=True)
            elif older.exists():
                older.replace(_archive_of(log_file, number + 1))
    draft = log_file.with_name(log_file.name + _DRAFT)
    try:
        with log_file.open("rb") as source, gzip.open(draft, "wb", compresslevel=5) as target:
            shutil.copyfileobj(source, target, 2**20)
        if limits.archives:
            draft.replace(_archive_of(log_file, 1))
    except OSError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        os.truncate(log_file, 0)


def prune(folders: Iterable[Path], limits: LogLimits, *, now_s: float | None = None) -> int:
    """Deletes the oldest files until the folders hold no more than their bound together, rotated
    parts before logs, and no log that may be open; returns how many files that were.

    Args:
        folders: With all below them.
        limits: The bound.
        now_s: Seconds since the epoch.
    """
    files = [file for folder in folders for file in _files_below(folder)]
    room = sum(file.size_bytes for file in files)
    open_since_s = (time.time() if now_s is None else now_s) - _PERHAPS_OPEN_S
    deleted = 0
    for file in sorted(files, key=lambda file: (not file.closed, file.changed_s)):
        if room <= limits.folder_bytes:
            break
        if file.closed or file.changed_s < open_since_s:
            with contextlib.suppress(OSError):
                file.path.unlink()
                room -= file.size_bytes
                deleted += 1
    return deleted


def _archive_of(log_file: Path, number: int) -> Path:
    return log_file.with_name(f"{log_file.name}.{number}{_ARCHIVE}")


@dataclass(frozen=True)
class _File:
    path: Path
    size_bytes: int
    changed_s: float

    @property
    def closed(self) -> bool:
        return _CLOSED.search(self.path.name) is not None


def _files_below(folder: Path) -> Iterator[_File]:
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # rotated or deleted by somebody else meanwhile
            told = path.lstat()
            if stat.S_ISREG(told.st_mode):
                yield _File(path, told.st_size, told.st_mtime)
