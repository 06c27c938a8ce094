"""Real processes: stopped, let go, and asked what they have worked."""

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from benchmarks.generation_study.processes import (
    cpu_by_role,
    difference,
    family,
    freeze,
    machine_cpu_s,
    thaw,
)

_WORKS = "while True: sum(range(1000))  # hard-working"


@pytest.fixture
def worker() -> Iterator[psutil.Process]:
    started = subprocess.Popen([sys.executable, "-c", _WORKS])
    yield psutil.Process(started.pid)
    started.kill()
    started.wait()


def test_frozen_process_does_not_work(worker: psutil.Process) -> None:
    freeze([worker])
    _wait_for(worker, psutil.STATUS_STOPPED)
    before = cpu_by_role([worker], {})
    time.sleep(0.1)
    assert difference(cpu_by_role([worker], {}), before) == {"others": 0.0}
    thaw([worker])
    _wait_for(worker, psutil.STATUS_RUNNING)


def test_work_is_told_by_role(worker: psutil.Process) -> None:
    roles = {"lazy": "not in any title", "busy": "hard-working", "python": "python"}
    before_s = machine_cpu_s()
    deadline_s = time.monotonic() + 10.0
    while not (spent_s := cpu_by_role([worker], roles))["busy"] and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert spent_s["busy"] > 0.0
    assert (spent_s["lazy"], spent_s["python"], spent_s["others"]) == (0.0, 0.0, 0.0)
    assert machine_cpu_s() > before_s


def test_what_has_ended_is_passed_over(worker: psutil.Process) -> None:
    worker.kill()
    worker.wait()
    freeze([worker])
    thaw([worker])
    assert cpu_by_role([worker], {"busy": "hard-working"}) == {"busy": 0.0, "others": 0.0}


def test_family_has_the_children() -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_WORKS!r}])"
    started = subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
    try:
        deadline_s = time.monotonic() + 10.0
        while len(family(started.pid)) < 2 and time.monotonic() < deadline_s:
            time.sleep(0.02)
        assert len(family(started.pid)) == 2
    finally:
        for process in reversed(family(started.pid)):
            process.kill()
        started.wait()
    assert family(started.pid) == []


def _wait_for(process: psutil.Process, status: str) -> None:
    deadline_s = time.monotonic() + 10.0
    while process.status() != status and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert process.status() == status
