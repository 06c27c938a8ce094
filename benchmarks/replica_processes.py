"""The processes of a local stack's replicas, for benchmarks that kill some of them."""

import os
import signal
from pathlib import Path

import httpx

from app.local.home import Home
from app.local.state import read_state

_PATH = "/api/serve/applications/"


class ReplicaProcesses:
    """The replicas of the stack in a folder.

    Args:
        home: The folder.

    Raises:
        RuntimeError: there is no stack.
    """

    def __init__(self, home: Path) -> None:
        state = read_state(Home(home).state_file)
        if state is None:
            raise RuntimeError(f"no stack runs in {home}")
        self._url = state.dashboard_url + _PATH
        self._token = (home / "ray_token").read_text(encoding="utf-8").strip()

    def kill(self, application: str, deployment: str) -> list[int]:
        """Kills the replicas of a deployment without a warning, and returns what they were."""
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = httpx.get(self._url, headers=headers, timeout=30, trust_env=False).json()
        replicas = answer["applications"][application]["deployments"][deployment]["replicas"]
        pids = [one["pid"] for one in replicas if one["state"] == "RUNNING"]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return pids
