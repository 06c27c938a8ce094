"""Work that stands back for other work of the same machine."""

import contextlib
import os
from pathlib import Path

_TASKS = Path("/proc/self/task")
_MOST = 19


def stand_back(niceness: int) -> None:
    """Raises the niceness of this process by so much, at most to 19.

    Linux keeps one for each thread, and gives it to those that the thread starts: all that are
    there are told.
    """
    if not niceness:
        return
    if not _TASKS.is_dir():
        os.nice(niceness)
        return
    for task in _TASKS.iterdir():
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended
            now = os.getpriority(os.PRIO_PROCESS, int(task.name))
            os.setpriority(os.PRIO_PROCESS, int(task.name), min(now + niceness, _MOST))
