"""What another user of the machine can do to a running stack: nothing with files and sockets."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.integration.cluster import Cluster

NOBODY = 65534
# Run by the system's own Python, as a user without rights: prints all that succeeds.
INTRUDER = """
import json, os, socket, sys
told = json.load(sys.stdin)
def attempt(what, path, act):
    try:
        act()
    except OSError:
        return
    print(what, path)
for path in told["files"]:
    attempt("read", path, lambda: open(path, "rb").read(1))
    attempt("opened for writing", path, lambda: open(path, "r+b"))
    attempt("renamed", path, lambda: os.rename(path, path + ".taken"))
for path in told["folders"]:
    attempt("listed", path, lambda: os.listdir(path))
    attempt("wrote into", path, lambda: open(os.path.join(path, "planted"), "xb"))
for path in told["sockets"]:
    attempt("connected to", path, lambda: socket.socket(socket.AF_UNIX).connect(path))
for pid in told["pids"]:
    attempt("read", f"/proc/{pid}/environ", lambda: open(f"/proc/{pid}/environ", "rb").read())
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="becoming another user takes Linux, root and setpriv",
)


@pytest.fixture(scope="module")
def told(cluster: Cluster) -> dict[str, list[str]]:
    """Everything that belongs to the stack: files, folders, sockets, processes."""
    run_dir = cluster.ray_dir.parent
    files: list[str] = []
    folders = [str(run_dir), str(cluster.home)]
    for root in (run_dir, cluster.home):
        for path in root.rglob("*"):
            (folders if path.is_dir() and not path.is_symlink() else files).append(str(path))
    instance = json.loads((cluster.home / "state.json").read_text())["instance"]
    pids, sockets = [], set()
    for process in psutil.process_iter():
        try:
            if process.environ().get("RAGSERVE_INSTANCE") == instance:
                pids.append(str(process.pid))
                sockets |= {found.laddr for found in process.net_connections("unix")}
        except psutil.Error:
            continue
    files += [str(path) for path in Path("/dev/shm").iterdir() if path.stat().st_uid != NOBODY]
    return {
        "files": files,
        "folders": folders,
        "sockets": sorted(name for name in sockets if name and name.startswith("/")),
        "pids": pids,
    }


def test_a_stack_has_what_an_intruder_would_look_for(told: dict[str, list[str]]) -> None:
    assert len(told["pids"]) > 5
    assert any(path.endswith("admin_key") for path in told["files"])
    assert any(path.endswith("/haproxy") for path in told["files"])
    assert any("admin.sock" in path for path in told["sockets"])


def test_another_user_can_read_and_replace_nothing(told: dict[str, list[str]]) -> None:
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    done = subprocess.run(
        [*command, "/usr/bin/env", "python3", "-c", INTRUDER],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout[:2000] + done.stderr[-2000:]


def test_the_folders_themselves_are_closed(cluster: Cluster) -> None:
    """The tests' folder is inside a closed one of pytest's, a user's may not be."""
    for folder in (cluster.ray_dir.parent, cluster.home):
        assert folder.stat().st_mode & 0o077 == 0, folder
