"""Starting and stopping with real, short-lived processes that know nothing of Ray."""

import importlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.local.children import ChildSpec
from app.local.environment import INSTANCE_VARIABLE
from app.local.processes import (
    created_after_s,
    find_members,
    find_process,
    last_lines,
    record_child,
    spawn,
    stop_members,
)
from app.local.state import ChildRecord

SLEEP = "import time; time.sleep(60)"
# Starts a grandchild in a session of its own, as a daemon would, and tells its pid.
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", {SLEEP!r}], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""

Start = Callable[[str], tuple[subprocess.Popen[bytes], ChildRecord]]


@pytest.fixture
def instance() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def start(tmp_path: Path, instance: str) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start_one(code: str) -> tuple[subprocess.Popen[bytes], ChildRecord]:
        command = (sys.executable, "-S", "-c", code)
        spec = ChildSpec("dummy", command, {INSTANCE_VARIABLE: instance}, "http://127.0.0.1:1/")
        log_file = tmp_path / "dummy.log"
        process = spawn(spec, log_file=log_file, working_dir=tmp_path)
        started.append(process)
        return process, record_child("dummy", process.pid, log_file)

    yield start_one
    for process in started:
        process.kill()
        process.wait()


def first_line(log_file: Path) -> str:
    deadline_s = time.monotonic() + 20
    while not (text := log_file.read_text()).endswith("\n"):
        assert time.monotonic() < deadline_s, "the dummy said nothing"
        time.sleep(0.01)
    return text.strip()


def test_a_server_in_the_background_stands_back_for_other_sessions(tmp_path: Path) -> None:
    command = (sys.executable, "-S", "-c", SLEEP)
    spec = ChildSpec("dummy", command, {}, "http://127.0.0.1:1/", niceness=7)
    process = spawn(spec, log_file=tmp_path / "dummy.log", working_dir=tmp_path)
    try:
        assert psutil.Process(process.pid).nice() == min(psutil.Process().nice() + 7, 19)
        share = Path(f"/proc/{process.pid}/autogroup")
        if os.access(share, os.W_OK):
            assert share.read_text().split()[1:] == ["nice", "7"]
    finally:
        process.kill()
        process.wait()


def test_a_server_has_its_own_session(start: Start) -> None:
    process, _ = start(SLEEP)
    assert os.getsid(process.pid) == process.pid != os.getsid(0)


def test_a_running_child_is_found(start: Start) -> None:
    process, record = start(SLEEP)
    found = find_process(record)
    assert found is not None
    assert found.pid == process.pid


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it by the machine's start")
def test_a_running_child_is_found_after_the_clock_was_set(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, record = start(SLEEP)
    linux = importlib.import_module("psutil._pslinux")
    booted_s = linux.boot_time()
    monkeypatch.setattr(linux, "boot_time", lambda: booted_s + 3600)
    assert psutil.Process(process.pid).create_time() > time.time() + 3000
    assert find_process(record) is not None


def test_a_pid_that_belongs_to_somebody_else_by_now_is_not_ours(start: Start) -> None:
    _, record = start(SLEEP)
    reused = replace(record, created_s=record.created_s - 3600)
    assert find_process(reused) is None


def test_a_stranger_with_a_reused_pid_is_not_stopped(start: Start) -> None:
    process, record = start(SLEEP)
    reused = replace(record, created_s=record.created_s - 3600)
    assert stop_members("another start", [reused], grace_s=0.1) == (0, 0)
    assert process.poll() is None


def test_a_zombie_counts_as_dead(start: Start) -> None:
    process, record = start("pass")
    deadline_s = time.monotonic() + 20
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    assert find_process(record) is None


def test_stop_ends_a_tree_and_what_left_its_session(start: Start, instance: str) -> None:
    process, record = start(PARENT)
    grandchild = int(first_line(Path(record.log_file)))
    assert {one.pid for one in find_members(instance, [record])} == {process.pid, grandchild}
    stopped, killed = stop_members(instance, [record], grace_s=0.3)
    assert (stopped, killed) == (2, 1), "the parent goes when asked, the grandchild is not asked"
    assert not find_members(instance, [record])


def test_stop_finds_survivors_of_a_child_that_is_gone(start: Start, instance: str) -> None:
    process, record = start(PARENT)
    grandchild = int(first_line(Path(record.log_file)))
    process.kill()
    process.wait()
    assert [one.pid for one in find_members(instance, [record])] == [grandchild]
    assert stop_members(instance, [record], grace_s=0.1) == (1, 1)


def test_stop_kills_what_does_not_listen(start: Start, instance: str) -> None:
    _, record = start(DEAF)
    first_line(Path(record.log_file))
    assert stop_members(instance, [record], grace_s=0.2) == (1, 1)
    assert find_process(record) is None


def test_stop_of_nothing_does_nothing() -> None:
    assert stop_members(str(uuid.uuid4()), []) == (0, 0)


def test_this_process_is_never_a_member(instance: str) -> None:
    me = ChildRecord("me", os.getpid(), created_after_s(psutil.Process()), "")
    assert find_members(instance, [me]) == []


def test_last_lines_are_the_end_of_a_log(tmp_path: Path) -> None:
    log_file = tmp_path / "x.log"
    log_file.write_text("".join(f"line {number}\n" for number in range(50)))
    assert last_lines(log_file, 2) == "line 48\nline 49"
    assert last_lines(tmp_path / "none.log") == ""
