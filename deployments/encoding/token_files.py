"""Token vectors of passages in a file of the node, which all replicas there share: what one of them
has made, when a passage was indexed or first found, none has to make again."""

import logging
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np

from deployments.contracts.vectors import TokenVectors
from deployments.sqlite_wal import use_wal

Answer = TypeVar("Answer")

_FOLDER = "token-vectors"
_BUSY_S = 2.0
_PAGE_BYTES = 32_768
"""A passage is two or three pages; with SQLite's own 4 KiB it is written in twice the time."""
_LOG_PAGES = 256
"""Pages of the log after which they are written into the file: 8 MiB."""
_MAP_BYTES = 2**31 - 65_536
_QUERY_KEYS = 500
"""Below the least bound on variables that SQLite was ever built with."""
_ROOM = 0.9
"""Share of the bound that is left when the oldest went: not each write takes some away."""
_UNUSED_S = 30 * 86_400.0
_log = logging.getLogger("ray.serve")


class TokenFiles:
    """Vectors by the passage's own text, so that a chunk that changed is never mistaken for its
    former self. Safe to share between threads and processes.

    Nothing rests on it: where the file cannot be read or written, all is unknown. Those that were
    written first go where there is no room. What does not have its checksum is not given out, and a
    file that SQLite calls damaged is begun anew.

    Args:
        folder: Of the node.
        model_digest: Tells the model from every other; each has a file of its own.
        max_bytes: Bound on the file, to which a log of some MiB comes.
    """

    def __init__(self, folder: Path, model_digest: str, *, max_bytes: int) -> None:
        self._path = folder / _FOLDER / f"{model_digest}.sqlite"
        self._max_bytes = max_bytes
        self._using = Lock()
        self._opened: sqlite3.Connection | None = None
        self._is_lost = False

    def get(self, texts: Iterable[str]) -> dict[str, TokenVectors]:
        """Returns the vectors of those texts that are known."""
        by_key = {passage_key(text): text for text in texts}
        return {
            by_key[key]: _unpacked(content, tokens)
            for key, tokens, checksum, content in self._guarded(partial(_rows, list(by_key))) or ()
            if zlib.crc32(content) == checksum
        }

    def put(self, vectors: Mapping[str, TokenVectors]) -> None:
        """Keeps the vectors of texts."""
        rows = [(passage_key(text), one.tokens, *_packed(one)) for text, one in vectors.items()]

        def write(file: sqlite3.Connection) -> None:
            with file:
                file.execute("BEGIN IMMEDIATE")
                self._make_room(file)
                file.executemany("INSERT OR IGNORE INTO passages VALUES (NULL, ?, ?, ?, ?)", rows)

        if rows:
            self._guarded(write)

    def close(self) -> None:
        """Closes the file; another call opens it again."""
        with self._using:
            self._close()

    def _make_room(self, file: sqlite3.Connection) -> None:
        def pages(name: str) -> int:
            return int(file.execute(f"PRAGMA {name}").fetchone()[0])

        used = (pages("page_count") - pages("freelist_count")) * _PAGE_BYTES
        if used <= self._max_bytes:
            return
        count = file.execute("SELECT count(*) FROM passages").fetchone()[0]
        surplus = int(count * (1.0 - _ROOM * self._max_bytes / used)) + 1
        file.execute(
            "DELETE FROM passages WHERE place IN"
            " (SELECT place FROM passages ORDER BY place LIMIT ?)",
            (surplus,),
        )

    def _guarded(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer | None:
        """Returns what the work returned, None where the file does not let it be done."""
        with self._using:
            try:
                if self._opened is None:
                    self._opened = self._open()
                answer = work(self._opened)
            except sqlite3.OperationalError as error:  # a full disk, a file that is in use
                self._note(error)
                return None
            except (sqlite3.DatabaseError, OSError) as error:
                self._note(error)
                self._close()
                for name in ("", "-wal", "-shm"):
                    with suppress(OSError):
                        self._path.with_name(self._path.name + name).unlink()
                return None
            self._is_lost = False
            return answer

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._remove_unused()
        file = sqlite3.connect(
            self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            file.execute(f"PRAGMA page_size={_PAGE_BYTES}")
            use_wal(file, within_s=_BUSY_S)
            file.execute("PRAGMA synchronous=NORMAL")
            file.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
            file.execute(f"PRAGMA mmap_size={_MAP_BYTES}")
            file.execute(
                "CREATE TABLE IF NOT EXISTS passages (place INTEGER PRIMARY KEY, key BLOB UNIQUE,"
                " tokens INTEGER, checksum INTEGER, content BLOB)"
            )
        except BaseException:
            file.close()
            raise
        return file

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _remove_unused(self) -> None:
        """Removes files of models that nobody has used for long."""
        self._path.touch(mode=0o600)
        for other in self._path.parent.glob("*.sqlite*"):
            with suppress(OSError):
                if time.time() - other.stat().st_mtime > _UNUSED_S:
                    other.unlink()

    def _note(self, error: Exception) -> None:
        if not self._is_lost:
            _log.warning("Token vectors are in memory alone: %s: %s", self._path, error)
        self._is_lost = True


def _rows(keys: Sequence[bytes], file: sqlite3.Connection) -> list[tuple[bytes, int, int, bytes]]:
    rows = []
    for start in range(0, len(keys), _QUERY_KEYS):
        some = keys[start : start + _QUERY_KEYS]
        marks = ",".join("?" * len(some))
        query = f"SELECT key, tokens, checksum, content FROM passages WHERE key IN ({marks})"
        rows += file.execute(query, some).fetchall()
    return rows


def passage_key(text: str) -> bytes:
    """Returns what stands for a text: equal for equal texts alone."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _packed(vectors: TokenVectors) -> tuple[int, bytes]:
    content = vectors.scales.astype("<f4").tobytes() + vectors.codes.tobytes()
    return zlib.crc32(content), content


def _unpacked(content: bytes, tokens: int) -> TokenVectors:
    scales = np.frombuffer(content, dtype="<f4", count=tokens)
    codes = np.frombuffer(content, dtype=np.int8, offset=scales.nbytes)
    return TokenVectors(codes.reshape(tokens, -1), scales)
