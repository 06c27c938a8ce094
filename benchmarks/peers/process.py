"""Servers that a benchmark starts, freezes while others are measured, and stops."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

import httpx

_POLL_INTERVAL_S = 0.2
_LOG_LINES = 12


class ServerFailed(Exception):
    """A server did not start; the message holds the end of its log."""


class Server:
    """A server of this machine in a process group of its own.

    Used as a context manager it is started on the way in and stopped on the way out.

    Args:
        name: What messages call it.
        command: What to run.
        log_file: Where its output goes, emptied first.
        environment: Variables beside those of this process.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log_file: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._command = list(command)
        self._log_file = log_file
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=self._environment,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, "a server is used inside `with`"
        return self._process.pid

    def wait_ready(self, url: str, *, timeout_s: float) -> None:
        """Returns once the URL answers 200.

        Raises:
            ServerFailed: the server ended, or the time is over.
        """
        deadline_s = time.monotonic() + timeout_s
        # Not through a proxy of the environment.
        with httpx.Client(timeout=2.0, trust_env=False) as client:
            while not _answers(client, url):
                if self.exit_code() is not None:
                    raise ServerFailed(f"{self.name} ended while it started:\n{self._log_end()}")
                if time.monotonic() > deadline_s:
                    problem = f"{self.name} was not ready after {timeout_s:g} s"
                    raise ServerFailed(f"{problem}:\n{self._log_end()}")
                time.sleep(_POLL_INTERVAL_S)

    def exit_code(self) -> int | None:
        """Returns what it ended with, or None while it runs."""
        assert self._process is not None, "a server is used inside `with`"
        return self._process.poll()

    def freeze(self) -> None:
        """Takes the processor away from it: what does not run disturbs no measurement."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        self._signal(signal.SIGCONT)

    def stop(self, *, grace_s: float = 5.0) -> None:
        """Asks it to end, and ends it when it has not after the grace; does nothing twice."""
        process, self._process = self._process, None
        if process is None:
            return
        # What is frozen cannot hear the request.
        for number in (signal.SIGCONT, signal.SIGTERM):
            _signal_group(process.pid, number)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(grace_s)
        finally:
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.exit_code() is None:
            _signal_group(self.pid, number)

    def _log_end(self) -> str:
        text = self._log_file.read_text(encoding="utf-8", errors="replace")
        return "\n".join(line[:300] for line in text.splitlines()[-_LOG_LINES:])


def free_port() -> int:
    """Returns a port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def stop_on_termination() -> None:
    """Makes a plain `kill` of this process end like Ctrl-C, so that its servers are stopped."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # all of them have ended
        os.killpg(pid, number)
