"""Standing back holds for all of a process."""

import subprocess
import sys

import pytest

_SCRIPT = """
import os, sys, threading
from deployments.serving.niceness import stand_back
threading.Thread(target=threading.Event().wait, daemon=True).start()
told = threading.Event()
def tell():
    stand_back(int(sys.argv[1]))
    told.set()
    threading.Event().wait()
threading.Thread(target=tell, daemon=True).start()
told.wait()
tasks = os.listdir("/proc/self/task")
print(sorted({os.getpriority(os.PRIO_PROCESS, int(task)) for task in tasks}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="niceness is a thread's on Linux only")
@pytest.mark.parametrize(("niceness", "expected"), [(0, 0), (3, 3), (40, 19)])
def test_every_thread_stands_back(niceness: int, expected: int) -> None:
    run = [sys.executable, "-c", _SCRIPT, str(niceness)]
    found = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    base = int(subprocess.check_output(["nice"], text=True))
    assert found.strip() == str([min(base + expected, 19)])
