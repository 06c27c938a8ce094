"""Files that are written once, with a checksum, and mapped for reading afterwards.

What is mapped lies in the page cache of the node: processes that map the same file share it, and
the system takes it back where it needs the memory.
"""

import mmap
import os
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

_READ_BYTES = 2**20


class Damaged(Exception):
    """Files that are not what was written: of another length, content or form."""


class FileMark(NamedTuple):
    """The length of a file and the CRC-32 of its content."""

    size_bytes: int
    checksum: int


Marks = Mapping[str, FileMark]


class FilesWriter:
    """Writes new files into one folder, and remembers their marks.

    Args:
        folder: It is there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.marks: dict[str, FileMark] = {}

    def write(self, name: str, parts: Iterable[NDArray[Any] | bytes]) -> None:
        """Writes a file that the parts make in their order; it is on the disk afterwards."""
        size, checksum = 0, 0
        with (self._folder / name).open("xb") as file:
            for part in parts:
                if not len(part):
                    continue
                data = (
                    part if isinstance(part, bytes) else np.ascontiguousarray(part).data.cast("B")
                )
                file.write(data)
                checksum = zlib.crc32(data, checksum)
                size += len(data)
            flush(file.fileno())
        self.marks[name] = FileMark(size, checksum)


def flush(descriptor: int) -> None:
    """Has the system write a file or a folder to the disk."""
    os.fsync(descriptor)


def flush_folder(folder: Path) -> None:
    """Has the names in a folder written to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        flush(descriptor)
    finally:
        os.close(descriptor)


def replace_text(file: Path, text: str) -> None:
    """Writes a small file that readers find whole, old or new."""
    beside = file.with_name(file.name + ".new")
    with beside.open("w", encoding="utf-8") as written:
        written.write(text)
        written.flush()
        flush(written.fileno())
    beside.rename(file)
    flush_folder(file.parent)


def mark_of(file: Path) -> FileMark:
    """Returns the mark of a file as it is."""
    size, checksum = 0, 0
    with file.open("rb") as opened:
        while block := opened.read(_READ_BYTES):
            checksum = zlib.crc32(block, checksum)
            size += len(block)
    return FileMark(size, checksum)


def mapped(file: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """Returns the content of a file as an array that cannot be changed.

    Raises:
        Damaged: It is of another length: to look beyond the end of a file kills a process.
    """
    kind = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    with file.open("rb") as opened:
        if os.fstat(opened.fileno()).st_size != size:
            raise Damaged(f"{file.name} is of another length")
        if not size:
            return np.empty(shape, dtype=kind)
        # The array keeps the mapping; the mapping keeps the file, also one that has no name left.
        content = mmap.mmap(opened.fileno(), size, prot=mmap.PROT_READ)
    return np.frombuffer(content, dtype=kind).reshape(shape)
