"""The process that keeps logs within their bounds: over real files, beside a real server."""

import gzip
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.local.children import ChildSpec
from app.local.environment import INSTANCE_VARIABLE
from app.local.home import Home
from app.local.log_keeper import is_kept, keep_once, keeper_spec
from app.local.log_rotation import LogLimits
from app.local.processes import find_members, record_child, spawn
from app.local.state import StackState, write_state

LIMITS = LogLimits(file_bytes=1000, archives=2, folder_bytes=10_000)
# Writes for as long as it lives, a line at a time.
CHATTER = "import time\nwhile True: print('x' * 99, flush=True); time.sleep(0.002)"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.fixture
def instance() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def server(home: Home, instance: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = (sys.executable, "-S", "-c", CHATTER)
    spec = ChildSpec("chroma", command, {INSTANCE_VARIABLE: instance}, "")
    process = spawn(spec, log_file=home.log_of("chroma"), working_dir=tmp_path)
    child = record_child("chroma", process.pid, home.log_of("chroma"))
    state = StackState(instance, 0.0, str(tmp_path / "ray"), "", 1, "", (child,))
    write_state(home.state_file, state)
    yield process
    process.kill()
    process.wait()


def wait_until(condition: object, what: str) -> None:
    deadline_s = time.monotonic() + 20
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline_s, what
        time.sleep(0.02)


def test_it_keeps_a_server_that_goes_on_within_its_bound_and_ends_with_it(
    home: Home, instance: str, server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    spec = keeper_spec(home, instance=instance, limits=LIMITS)
    (tmp_path / "app.py").write_text("raise SystemExit('not this one')")
    with spawn(spec, log_file=home.log_of("logs"), working_dir=tmp_path) as keeper:
        older = home.logs / "chroma.log.2.gz"
        wait_until(older.exists, "no second archive: " + home.log_of("logs").read_text())
        assert set(gzip.decompress(older.read_bytes())) == {ord("x"), ord("\n")}
        assert not (home.logs / "chroma.log.3.gz").exists()
        assert is_kept(find_members(instance, ()))
        assert server.poll() is None
        server.kill()
        server.wait()
        assert keeper.wait(timeout=20) == 0
    assert home.log_of("logs").read_text() == ""


def test_it_ends_where_another_run_has_taken_over(
    home: Home, server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    spec = keeper_spec(home, instance="an earlier run", limits=LIMITS)
    with spawn(spec, log_file=home.log_of("logs"), working_dir=tmp_path) as keeper:
        assert keeper.wait(timeout=20) == 0


def test_a_server_is_no_keeper(instance: str, server: subprocess.Popen[bytes]) -> None:
    assert find_members(instance, ())
    assert not is_kept([psutil.Process(server.pid)])


def test_logs_of_all_processes_of_a_session_are_bounded_together(
    home: Home, tmp_path: Path
) -> None:
    logs = tmp_path / "ray" / "session_2026" / "logs"
    (logs / "serve").mkdir(parents=True)
    (logs.parents[1] / "session_latest").symlink_to(logs.parent)
    raylet, replica, rotated = (
        logs / "raylet.out",
        logs / "serve" / "replica_one.log",
        logs / "serve" / "replica_one.log.1",
    )
    for log_file in (raylet, replica, rotated, home.log_of("mlflow"), home.log_of("ray")):
        log_file.write_bytes(b"x" * 4000)
    keep_once(home, tmp_path / "ray", LIMITS, pruning=True)
    assert home.log_of("mlflow").stat().st_size == home.log_of("ray").stat().st_size == 0
    assert [log_file.exists() for log_file in (raylet, replica, rotated)] == [True, True, False]
    assert replica.stat().st_size == 4000, "Ray rotates it itself"
