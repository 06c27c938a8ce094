"""The machine itself: Python, memory, open files, the clock."""

import resource
import shutil
import sys
from datetime import datetime
from pathlib import Path

from app.doctor.finding import Finding, ok, warning, wrong

_GIB = 2**30
_OLDEST_PYTHON = (3, 11)
_NEWEST_PYTHON = (3, 13)
"""The newest one that every dependency has a wheel for."""
_MEMORY_BYTES = 4 * _GIB
"""What the shipped config takes with an empty index, and some room for one."""
_SHARED_MEMORY_BYTES = 1 * _GIB
"""Ray keeps its objects there; below, it writes them to the disk, which is slower."""
_OPEN_FILES = 8192
"""Ray warns below this: workers, clients and logs have one each."""
_CLOCK_WARNING_S = 5.0
_CLOCK_WRONG_S = 60.0
"""Beyond this, tokens of identity providers are refused as not yet valid or expired."""


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> Finding:
    """Says whether this is a version of Python that the package runs on."""
    said = ".".join(str(part) for part in version)
    if version < _OLDEST_PYTHON:
        return wrong("python", f"Python {said}", "Install Python 3.11, 3.12 or 3.13.")
    if version > _NEWEST_PYTHON:
        remedy = "Use 3.13 or older: not every dependency has a wheel for a newer one."
        return warning("python", f"Python {said}", remedy)
    return ok("python", f"Python {said}")


def check_memory(available_bytes: int | None = None, needed_bytes: int = _MEMORY_BYTES) -> Finding:
    """Says whether the service has room in memory; None asks the machine."""
    if available_bytes is None:
        import psutil

        available_bytes = int(psutil.virtual_memory().available)
    said = f"{available_bytes / _GIB:.1f} GiB free"
    if available_bytes >= needed_bytes:
        return ok("memory", said)
    remedy = f"Free {needed_bytes / _GIB:.0f} GiB: replicas are killed when memory runs out."
    return warning("memory", said, remedy)


def check_shared_memory(
    folder: Path = Path("/dev/shm"), needed_bytes: int = _SHARED_MEMORY_BYTES
) -> Finding:
    """Says whether Ray's objects have room in shared memory."""
    if not folder.is_dir():
        return ok("shared memory", f"no {folder} here: Ray uses a folder on the disk")
    free_bytes = shutil.disk_usage(folder).free
    said = f"{free_bytes / _GIB:.1f} GiB free in {folder}"
    if free_bytes >= needed_bytes:
        return ok("shared memory", said)
    remedy = "Give a container more: `--shm-size 2g`, or an emptyDir with `medium: Memory`."
    return warning("shared memory", said, remedy)


def check_open_files(needed: int = _OPEN_FILES) -> Finding:
    """Says whether a process may open as many files as Ray does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return ok("open files", f"{soft} for each process")
    remedy = f"In the shell that starts the service: ulimit -n {needed}"
    if hard != resource.RLIM_INFINITY and hard < needed:
        remedy = f"Raise the limit to {needed}, in limits.conf or the unit's LimitNOFILE."
    return warning("open files", f"{soft} for each process", remedy)


def check_clock(own: datetime, others: dict[str, datetime]) -> Finding:
    """Says whether this machine's clock agrees with those of the servers that answered.

    Args:
        own: The time here, with a zone.
        others: The time that each server said at the same moment, to the second.
    """
    if not others:
        return ok("clock", f"{own:%Y-%m-%d %H:%M:%S %Z}, and no server to compare it with")
    name, off_s = max(
        ((name, (own - time).total_seconds()) for name, time in others.items()),
        key=lambda pair: abs(pair[1]),
    )
    said = f"{abs(off_s):.0f} s {'ahead of' if off_s > 0 else 'behind'} {name}"
    remedy = "Have all machines set their clocks from one time server (chrony, timesyncd)."
    if abs(off_s) > _CLOCK_WRONG_S:
        return wrong("clock", said, remedy)
    return warning("clock", said, remedy) if abs(off_s) > _CLOCK_WARNING_S else ok("clock", said)
