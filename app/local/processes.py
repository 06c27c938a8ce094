"""Starts servers that outlive this command, and stops exactly what one start has begun.

A process belongs to a start if it is one of the recorded children, carries the start's id in its
environment, or has no readable environment and is in the session of a recorded child. The parent
tells nothing: it changes when the parent dies, and Ray's workers leave the process group too.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

from app.local.children import ChildSpec
from app.local.environment import INSTANCE_VARIABLE, child_environment
from app.local.state import ChildRecord

# A clock that is set while the stack runs moves the system's idea of when a process began.
_CREATION_TOLERANCE_S = 2.0
_POLL_INTERVAL_S = 0.05
_MOST_NICENESS = 19


def spawn(spec: ChildSpec, *, log_file: Path, working_dir: Path) -> subprocess.Popen[bytes]:
    """Starts a server in a session of its own, where Ctrl-C and a closed terminal do not reach it.

    Its output is appended to `log_file`, so that the file may be emptied while it runs.
    """
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            spec.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=working_dir,
            env=child_environment(os.environ, spec.environment),
        )
    if spec.niceness:
        _stand_back(process.pid, spec.niceness)
    return process


def record_child(name: str, pid: int, log_file: Path) -> ChildRecord:
    """Returns the record of a process that was just started."""
    try:
        created_s = created_after_s(psutil.Process(pid))
    except psutil.Error:
        created_s = -3600.0  # gone already; no living process began then
    return ChildRecord(name=name, pid=pid, created_s=created_s, log_file=str(log_file))


def created_after_s(process: psutil.Process) -> float:
    """Returns how many seconds after the start of the machine a process began.

    By the clock it would have begun at another time as soon as the clock is set, which a stack that
    runs for hours has happen to it. Where that is not known to hold, outside Linux, it is the time
    by the clock, in seconds since the epoch.

    Raises:
        psutil.Error: it has ended.
    """
    begun_s: float = process.create_time()
    return begun_s - psutil.boot_time() if psutil.LINUX else begun_s


def find_process(record: ChildRecord) -> psutil.Process | None:
    """Returns the recorded process if it is alive and still the same one."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(record.pid)
        same = abs(created_after_s(process) - record.created_s) <= _CREATION_TOLERANCE_S
        if same and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def find_members(instance: str, children: Iterable[ChildRecord]) -> list[psutil.Process]:
    """Returns every living process of a start, this command and its callers never among them."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    records = {child.pid: child for child in children}
    members = []
    for process in psutil.process_iter():
        if process.pid not in own:
            with contextlib.suppress(psutil.Error, OSError):
                if _is_member(process, instance, records):
                    members.append(process)
    return members


def stop_members(
    instance: str, children: Sequence[ChildRecord], *, grace_s: float = 4.0
) -> tuple[int, int]:
    """Stops everything that belongs to a start: asks the children first, then ends what is left.

    Args:
        instance: The start's id.
        children: Its recorded children.
        grace_s: How long to wait for them to leave by themselves.

    Returns:
        How many processes there were, and how many of them had to be killed.
    """
    members = find_members(instance, children)
    for child in children:
        process = find_process(child)
        if process is not None:
            with contextlib.suppress(psutil.Error):
                process.terminate()
    if children:
        _wait_until_gone(members, timeout_s=grace_s)
    killed: set[int] = set()
    for _ in range(3):  # one that was killed may have started another meanwhile
        survivors = find_members(instance, children)
        if not survivors:
            break
        for process in survivors:
            with contextlib.suppress(psutil.Error):
                process.kill()
                killed.add(process.pid)
        _wait_until_gone(survivors, timeout_s=2.0)
    return len({process.pid for process in members} | killed), len(killed)


def memory_bytes(process: psutil.Process) -> int:
    """Returns the memory of a process and all below it.

    Shared pages are split among their users where the system says how (Linux), else counted for
    each of them.
    """
    total = 0
    with contextlib.suppress(psutil.Error):
        for member in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += getattr(member.memory_full_info(), "pss", 0) or member.memory_info().rss
    return total


def last_lines(log_file: Path, count: int = 12) -> str:
    """Returns the end of a log, empty where there is none."""
    try:
        text = log_file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(line[:300] for line in text.splitlines()[-count:])


def _stand_back(pid: int, niceness: int) -> None:
    """Lets a process and what it starts from now on have less of the CPUs than others.

    Where Linux shares the CPUs between sessions first, a process is nice to its own session alone,
    and the session's share is a file of its own.
    """
    with contextlib.suppress(psutil.Error):
        own = psutil.Process(pid)
        own.nice(min(own.nice() + niceness, _MOST_NICENESS))
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(min(niceness, _MOST_NICENESS)), "ascii")


def _wait_until_gone(processes: list[psutil.Process], *, timeout_s: float) -> None:
    """Waits until none of them runs. A zombie counts as gone: who must reap it may not care to."""
    deadline_s = time.monotonic() + timeout_s
    while any(map(_runs, processes)) and time.monotonic() < deadline_s:
        time.sleep(_POLL_INTERVAL_S)


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def _is_member(process: psutil.Process, instance: str, records: Mapping[int, ChildRecord]) -> bool:
    if process.status() == psutil.STATUS_ZOMBIE:
        return False
    if process.pid in records and find_process(records[process.pid]) is not None:
        return True
    environment: dict[str, str] = process.environ()
    if any(environment.values()):
        return environment.get(INSTANCE_VARIABLE) == instance
    # Ray's workers write their title over their environment. Their session tells them, unless its
    # number belongs to somebody else by now.
    session = os.getsid(process.pid)
    return session in records and _has_no_other_leader(records[session])


def _has_no_other_leader(record: ChildRecord) -> bool:
    return find_process(record) is not None or not psutil.pid_exists(record.pid)
