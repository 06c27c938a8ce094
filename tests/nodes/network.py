"""Nodes of a cluster on one machine: namespaces on a bridge, with processes and files of their own.

A node that is killed is gone at once, with all of its processes, as a machine whose plug is pulled;
only that its kernel still says so to whoever talks to it.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.integration.cluster import REPOSITORY, until

HOST = "10.9.0.1"
"""The address of the machine itself, where the servers are that all nodes share."""
_BRIDGE = "br-ragserve"
_STARTS_S = 240.0
"""A node that joins while others load their models has little of the machine's cores."""
_ENTER = """
set -e
mount --make-rprivate /
mkdir -p /run/ragserve-kept && mount --rbind /tmp /run/ragserve-kept
mount -t tmpfs tmpfs /tmp && mount -t tmpfs tmpfs /dev/shm
for path in {kept}; do  # of what a node needs, that which lies below /tmp
  case "$path" in
    /tmp/*) mkdir -p "$path" && mount --bind "/run/ragserve-kept/${{path#/tmp/}}" "$path";;
  esac
done
mkdir -p /tmp/home && export HOME=/tmp/home PYTHONPATH={repository}
export RAY_raylet_start_wait_time_s={starts_s:.0f}
export PATH={programs}:$PATH
source {environment}
exec {command}
"""


def why_not() -> str:
    """Returns why this machine cannot have nodes; "" where it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "nodes are namespaces of Linux, which root may make"
    missing = [name for name in ("ip", "unshare", "nsenter") if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""


@contextmanager
def bridge() -> Iterator[None]:
    """Makes the network of the nodes, inside a namespace that `make test-nodes` has made."""
    _ip("link set lo up")
    _ip(f"link add {_BRIDGE} type bridge")
    try:
        _ip(f"addr add {HOST}/24 dev {_BRIDGE}")
        _ip(f"link set {_BRIDGE} up")
        yield
    finally:
        _ip(f"link del {_BRIDGE}")


class Node:
    """One machine of the cluster.

    Args:
        number: From 2 on; its address ends with it.
        folder: Where its log is written.
        environment: The shell file of `ragserve env`.
    """

    def __init__(self, number: int, folder: Path, environment: Path) -> None:
        self.address = f"10.9.0.{number}"
        self._name = f"ragserve-{os.getpid()}-{number}"
        self._link = f"rs{number}"
        self._log = folder / f"node-{number}.log"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str]) -> None:
        """Runs a command as all that the node does; it ends with it."""
        _ip(f"netns add {self._name}")
        _ip(f"link add {self._link} type veth peer name eth0 netns {self._name}")
        _ip(f"link set {self._link} master {_BRIDGE} up")
        for change in ("link set lo up", f"addr add {self.address}/24 dev eth0"):
            _ip(f"-n {self._name} {change}")
        _ip(f"-n {self._name} link set eth0 up")
        script = _ENTER.format(
            kept=" ".join(map(str, (REPOSITORY, Path(sys.prefix), self._environment.parent))),
            repository=REPOSITORY,
            starts_s=_STARTS_S,
            programs=Path(sys.executable).parent,
            environment=self._environment,
            command=" ".join(command),
        )
        apart = ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["ip", "netns", "exec", self._name, *apart, "bash", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=REPOSITORY,
                start_new_session=True,
            )

    def wait_for(self, words: str) -> None:
        """Returns once its log says something."""
        process = self._process
        assert process is not None

        def said() -> str:
            return self._log.read_text(errors="replace")

        def is_said() -> bool:
            assert process.poll() is None, f"{self.address} has ended:\n{said()[-2000:]}"
            return words in said()

        try:
            until(is_said, within_s=_STARTS_S, what=f"{self.address} says {words!r}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{said()[-2000:]}") from None

    def kill(self) -> None:
        """Ends all of its processes at once; does nothing twice."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=20)

    def remove(self) -> None:
        """Kills it, and takes it off the network."""
        self.kill()
        _ip(f"link del {self._link}")  # now: that of a namespace goes some time after it
        _ip(f"netns del {self._name}")


def _ip(arguments: str) -> None:
    done = subprocess.run(["ip", *arguments.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {arguments}: {done.stderr}"
