"""The service on three nodes, deployed by the commands that docs/cluster.md names."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.integration.cluster import RAGSERVE, REPOSITORY, until
from tests.nodes.network import Node

PORT = 8000
TOKEN = "a token of these tests alone, which opens nothing else"


@dataclass
class ThreeNodes:
    """A head that only directs, and two nodes that work.

    Attributes:
        head: The first node.
        workers: The others.
        folder: Where its files are.
        variables: What `ragserve env` has printed, for commands.
    """

    head: Node
    workers: list[Node]
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def dashboard(self) -> str:
        return f"http://{self.head.address}:8265"

    @property
    def urls(self) -> list[str]:
        """Where each node answers."""
        return [f"http://{node.address}:{PORT}" for node in (self.head, *self.workers)]

    @property
    def environment(self) -> dict[str, str]:
        """What commands find in theirs."""
        return {**os.environ, **self.variables, "RAGSERVE_ALLOW_HTTP": "1"}

    def run(self, *args: str, expect: int | None = 0) -> str:
        """Runs a verb of the command line, as an operator does; returns what it printed."""
        done = subprocess.run(
            [*RAGSERVE, *args],
            capture_output=True,
            text=True,
            timeout=600,
            cwd=REPOSITORY,
            env=self.environment,
        )
        if expect is not None:
            assert done.returncode == expect, f"{args}: {done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def deploy(self, file: Path) -> None:
        """Returns once all applications run and the API is ready."""
        self.run(
            *("deploy", str(file), "--address", self.dashboard, "--url", self.urls[1]),
            *("--timeout", "500"),
        )

    def ask_ray(self, path: str) -> dict[str, Any]:
        """Returns an answer of the dashboard."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer: dict[str, Any] = httpx.get(
            f"{self.dashboard}{path}", headers=headers, timeout=20
        ).json()
        return answer

    def applications(self) -> dict[str, Any]:
        """Returns Serve's own account."""
        found: dict[str, Any] = self.ask_ray("/api/serve/applications/")["applications"]
        return found

    def replicas(self, deployment: str = "") -> Counter[str]:
        """Returns how many replicas run on each node, by its address."""
        return Counter(
            replica["node_ip"]
            for application in self.applications().values()
            for name, found in application["deployments"].items()
            for replica in found["replicas"]
            if replica["state"] == "RUNNING" and deployment in ("", name)
        )

    def node_of(self, deployment: str) -> Node:
        """Returns the node of a deployment that has one replica."""
        [address] = self.replicas(deployment)
        return next(node for node in self.workers if node.address == address)

    def is_whole(self) -> bool:
        """Whether all that is wanted runs."""
        return all(one["status"] == "RUNNING" for one in self.applications().values())

    def wait_whole(self, within_s: float = 240) -> None:
        until(self.is_whole, within_s=within_s, what="all applications run")

    def begin(self) -> None:
        """Starts Ray on all nodes."""
        _start_ray(self.head, "--head", "--dashboard-host", "0.0.0.0", "--num-cpus", "0")
        for node in self.workers:
            self.join(node)

    def join(self, node: Node) -> None:
        """Has a node join the cluster."""
        _start_ray(node, "--address", f"{self.head.address}:6379", "--num-cpus", "12")


def _start_ray(node: Node, *options: str) -> None:
    ray = str(Path(sys.executable).with_name("ray"))
    own = ("--node-ip-address", node.address, "--object-store-memory", "134217728")
    node.start([ray, "start", "--block", *own, *options])
    node.wait_for("Ray runtime started")
