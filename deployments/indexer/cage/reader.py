"""One child process from its parent's side: gives it files, takes their documents, and ends it."""

import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Event

from deployments.contracts.documents import Document, ReadFailure, Upload
from deployments.indexer.cage.limits import ReadingArgs
from deployments.indexer.cage.pace import Pace
from deployments.indexer.cage.wire import EndOfFile, FileHeader, decode_answer, encode_header
from deployments.indexer.formats.converted import ReadingOptions

_START_TIMEOUT_S = 60.0
_LAST_WORDS_S = 5.0
"""A child that has closed its connection is about to end, and how it ends says why."""

_MAX_HELD_SHARE = 0.25
"""A child that holds more of its memory than this after a file gets no further one."""

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Due:
    """When nobody waits for a file any more, and from when on its reader stands back for no
    question, by `time.monotonic()`."""

    deadline_s: float = math.inf
    hurries_at_s: float = math.inf


_NEVER = Due()


class Reader:
    """A child that reads one file at a time. Not safe to share between threads.

    Args:
        limits: What one file may cost.
        pace: Whom it stands back for.
        stderr: Where the child's log goes, as for `subprocess.Popen`.
    """

    def __init__(self, limits: ReadingArgs, pace: Pace, *, stderr: int | None) -> None:
        self._limits = limits
        self._pace = pace
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            arguments = ["deployments.indexer.cage.child", str(descriptor), str(limits.memory_mib)]
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", *arguments],
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=_environment(os.environ),
                start_new_session=True,  # Ctrl-C is for the parent, who closes the connection
            )
        self._connection = Connection(ours.detach())
        self._has_started = False
        self.is_usable = True

    def read(self, upload: Upload, *, due: Due, stop: Event) -> Iterator[Document | ReadFailure]:
        """Yields the documents of a file; where the child dies or is late, a failure ends them.

        After it `is_usable` says whether there may be a next file. Whoever leaves this before its
        end leaves no usable reader.

        Args:
            upload: The file.
            due: When it has to be read.
            stop: Set when nobody does: then the child is killed at once.

        Raises:
            ChildProcessError: the child does not start, which is no fault of the file.
        """
        self.is_usable = False
        self._wait_for_start(stop)
        limit_s = time.monotonic() + self._limits.timeout_s
        try:
            self._send(upload)
            while True:
                if not self._has_answer(limit_s, stop, due):
                    self.kill()
                    yield ReadFailure(upload.name, self._too_slow())
                    return
                answer = decode_answer(self._connection.recv_bytes())
                if isinstance(answer, EndOfFile):
                    held_mib = _MAX_HELD_SHARE * self._limits.memory_mib
                    self.is_usable = answer.memory_mib <= held_mib
                    return
                yield answer
        except (EOFError, OSError, ValueError):
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_LAST_WORDS_S)
            self.kill()
            yield ReadFailure(upload.name, self._death())

    def kill(self) -> None:
        """Ends the child now, whatever it does."""
        self.is_usable = False
        self._process.kill()
        self._process.wait()
        self._connection.close()

    def _wait_for_start(self, stop: Event) -> None:
        if self._has_started:
            return
        try:
            self._has_started = self._has_answer(time.monotonic() + _START_TIMEOUT_S, stop)
            if self._has_started:
                self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            self.kill()
            raise ChildProcessError("The process that reads files ended as it started.") from error
        if not self._has_started and not stop.is_set():
            self.kill()
            raise ChildProcessError("The process that reads files does not start.")

    def _send(self, upload: Upload) -> None:
        limits = self._limits
        options = ReadingOptions(hidden=limits.hidden, comments=limits.comments)
        header = FileHeader(
            upload.name, dict(upload.metadata), limits.timeout_s, options, upload.document_id
        )
        self._connection.send_bytes(encode_header(header))
        self._connection.send_bytes(upload.content)

    def _has_answer(self, limit_s: float, stop: Event, due: Due = _NEVER) -> bool:
        """Returns whether there is one before either time. While the child is held back, the limit
        waits for it; who waits until the deadline does not."""
        while not stop.is_set():
            now_s = time.monotonic()
            left_s = min(limit_s, due.deadline_s) - now_s
            if left_s <= 0:
                return False
            if self._connection.poll(min(left_s, self._pace.look_every_s)):
                return True
            if now_s < due.hurries_at_s:
                limit_s += self._pace.hold_back(self._process.pid, stop)
        return False

    def _too_slow(self) -> str:
        return f"Reading it takes longer than {self._limits.timeout_s:g} seconds. Split it."

    def _death(self) -> str:
        """Returns why the child has died, by how it ended."""
        code = self._process.returncode
        if code == -signal.SIGXCPU:
            return self._too_slow()
        if code < 0:
            name = signal.Signals(-code).name
            return f"What reads this format crashed on it ({name}). The file may be damaged."
        return "What reads this format gave up on it. The file may be damaged, or too large."


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Returns what a child must know: where its code is, and none of the service's secrets."""
    kept = {name: inherited[name] for name in _PASSED_ON if name in inherited}
    folders = (folder or os.getcwd() for folder in sys.path)
    # Threads of a library would each reserve memory, and one file has one processor.
    return {**kept, "PYTHONPATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "1"}
