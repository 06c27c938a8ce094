"""The service under test, started and stopped by the commands that a user types."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml

RAGSERVE = [sys.executable, "-m", "app.cli.main"]
REPOSITORY = Path(__file__).parents[2]
CALLER_KEYS = tuple(f"sk-caller-{number}" for number in range(8))
"""API keys whose usage the stack counts apart."""
T = TypeVar("T")


def key_id(key: str) -> str:
    """Returns what names a key without telling it."""
    return sha256(key.encode()).hexdigest()[:12]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(condition: Callable[[], T], *, within_s: float, what: str) -> T:
    """Returns the first true value of a condition that is polled, or fails by name."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {within_s} s: {what}")


@dataclass
class Cluster:
    """One local stack in a folder of its own, on free ports."""

    home: Path
    config_file: Path
    url: str
    dashboard_url: str = ""
    grpc_target: str = ""

    def run(self, *args: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Runs a verb of the command line against this stack."""
        done = subprocess.run(
            [*RAGSERVE, *args],
            capture_output=True,
            text=True,
            timeout=300,
            cwd=REPOSITORY,
            env=os.environ | {"RAGSERVE_URL": self.url},
        )
        if expect is not None:
            assert done.returncode == expect, f"{args}: {done.stdout}\n{done.stderr}"
        return done

    def up(self, chroma_port: int) -> None:
        done = self.run(
            "up",
            "--config",
            str(self.config_file),
            "--home",
            str(self.home),
            "--no-mlflow",
            "--chroma-port",
            str(chroma_port),
            "--timeout",
            "280",
        )
        found = re.search(r"Ray dashboard\s+(\S+)", done.stdout)
        assert found, done.stdout
        self.dashboard_url = found.group(1)

    @property
    def ray_dir(self) -> Path:
        """Where Ray keeps its sessions, and their logs."""
        return Path(json.loads((self.home / "state.json").read_text())["temp_dir"]) / "ray"

    def config(self) -> dict[str, Any]:
        """Returns a fresh copy of the deployed config, to change and deploy."""
        content: dict[str, Any] = yaml.safe_load(self.config_file.read_text())
        return content

    def deploy(self, config: dict[str, Any]) -> None:
        """Deploys with Serve's own command, as a user would after `source .ragserve/ray.env`."""
        changed = self.home / "changed.yaml"
        changed.write_text(yaml.safe_dump(config))
        serve = Path(sys.executable).with_name("serve")
        command = f"source {self.home / 'ray.env'} && {serve} deploy {changed}"
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, timeout=120, cwd=REPOSITORY
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def applications(self) -> dict[str, Any]:
        """Returns Serve's own account of the applications."""
        token = (self.home / "ray_token").read_text().strip()
        response = httpx.get(
            f"{self.dashboard_url}/api/serve/applications/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
        )
        applications: dict[str, Any] = response.json()["applications"]
        return applications

    def pids(self, application: str = "", deployment: str = "") -> dict[str, int]:
        """Returns the process of every running replica, by application, deployment and id; one that
        takes up other live settings runs."""
        return {
            f"{app_name}/{name}/{replica['replica_id']}": replica["pid"]
            for app_name, app in self.applications().items()
            for name, one in app["deployments"].items()
            for replica in one["replicas"]
            if replica["state"] in ("RUNNING", "UPDATING")
            and application in ("", app_name)
            and deployment in ("", name)
        }

    def is_ready(self) -> bool:
        return self._readiness()[0] == 200

    def wait_ready(self, within_s: float = 90) -> None:
        try:
            until(self.is_ready, within_s=within_s, what="the service is ready")
        except AssertionError as error:
            raise AssertionError(f"{error}; it says {self._readiness()}") from None

    def _readiness(self) -> tuple[int, str]:
        """Returns the status of `/health/ready` and what it says; 0 where nobody answers."""
        try:
            response = httpx.get(f"{self.url}/health/ready", timeout=5)
        except httpx.HTTPError as error:
            return 0, repr(error)
        return response.status_code, response.text


class Frozen:
    """Stops processes while the block runs: a stage that is there and does not answer."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = list(pids.values())
        assert self._pids

    def __enter__(self) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGCONT)
