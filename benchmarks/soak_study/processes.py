"""What each process of the local stack holds and takes: memory, files, threads, processor."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.local.home import Home
from app.local.processes import find_members
from app.local.state import StackState, read_state

_REPLICA = re.compile(r"ray::(?:SERVE_REPLICA::([\w-]+#\w+)#|ServeReplica:([\w-]+:\w+))")
_SMALLEST_MIB = 10.0
"""What is smaller is a shell, or a helper that comes and goes."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one process holds at a moment.

    Attributes:
        name: A deployment, a server, or the name of the program; with its process id.
        memory_mib: Physical memory that belongs to no file: what others map of the same libraries
            and models changes nothing.
        files: Open file descriptors.
        threads: Threads.
    """

    name: str
    memory_mib: float
    files: int
    threads: int


CpuTimes = dict[tuple[str, int], float]
"""Processor seconds by the name and the id of a process."""


class Stack:
    """The local stack of a folder.

    Raises:
        ValueError: nothing runs of it.
    """

    def __init__(self, home: Path) -> None:
        state = read_state(Home(home).state_file)
        if state is None:
            raise ValueError(f"nothing runs of {home}: ragserve up starts it")
        self._state: StackState = state
        self._names = {child.pid: child.name for child in state.children}

    def holdings(self) -> list[Holding]:
        """Returns what each process holds now."""
        return [each for each in self._holdings() if each.memory_mib >= _SMALLEST_MIB]

    def cpu_s(self) -> CpuTimes:
        """Returns what each process has taken of a processor since it began."""
        taken = {}
        for process in self._processes():
            with contextlib.suppress(psutil.Error, OSError):
                times = process.cpu_times()
                taken[self._name(process), process.pid] = times.user + times.system
        return taken

    def _holdings(self) -> Iterator[Holding]:
        for process in self._processes():
            with contextlib.suppress(psutil.Error, OSError):
                yield Holding(
                    name=f"{self._name(process)} {process.pid}",
                    memory_mib=_own_memory_mib(process.pid),
                    files=process.num_fds(),
                    threads=process.num_threads(),
                )

    def _processes(self) -> Iterable[psutil.Process]:
        return find_members(self._state.instance, self._state.children)

    def _name(self, process: psutil.Process) -> str:
        # Ray's workers change their titles with what they do: the first one stays.
        title = process.cmdline()[0]
        return self._names.setdefault(process.pid, called(title) or process.name())


def called(title: str) -> str:
    """Returns what a worker of Ray is, by its title; "" for any other process.

    >>> called("ray::SERVE_REPLICA::gateway#Ingress#1mzl71db:ServeReplica.handle")
    'gateway#Ingress'
    >>> called("ray::ServeReplica:retrieval-minilm:Embedder.run"), called("ray::ProxyActor")
    ('retrieval-minilm:Embedder', 'ProxyActor')
    """
    found = _REPLICA.match(title)
    if found is not None:
        return found[1] or found[2]
    return title.removeprefix("ray::").partition(".")[0] if title.startswith("ray::") else ""


def _own_memory_mib(pid: int) -> float:
    """Returns the anonymous memory of a process; the kernel sums it up, which is quick."""
    return anonymous_mib(Path(f"/proc/{pid}/smaps_rollup").read_text())


def anonymous_mib(rollup: str) -> float:
    """Returns the anonymous memory that a summary of a process's mappings names.

    >>> anonymous_mib("Rss:  4096 kB\\nPss:  2048 kB\\nAnonymous:  1024 kB\\n")
    1.0
    """
    for line in rollup.splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) / 1024
    return 0.0
