"""The three servers of the stack: how each is started, and how one knows that it is ready."""

import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.client.errors import CliError
from app.cluster.serve_config import LOOPBACK
from app.local.home import Home
from app.local.ports import StackPorts

_OBJECT_STORE_BYTES = 256 * 1024 * 1024
_MIN_LOGICAL_CPUS = 8
_BACKGROUND_NICENESS = 10
"""Of what no question waits for: traces travel behind answers."""


@dataclass(frozen=True)
class ChildSpec:
    """A server to start: what to run, and the URL that answers 200 once it is ready."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready_url: str
    ready_headers: Mapping[str, str] = field(default_factory=dict)
    niceness: int = 0
    """How far it stands back for the others."""


def chroma_spec(home: Home, *, port: int, environment: Mapping[str, str]) -> ChildSpec:
    """Returns a Chroma server over the collections in the stack's folder."""
    return ChildSpec(
        name="chroma",
        command=(
            _script("chroma"),
            *("run", "--path", str(home.chroma_data)),
            *("--host", LOOPBACK, "--port", str(port)),
        ),
        environment=environment,
        ready_url=f"http://{LOOPBACK}:{port}/api/v2/heartbeat",
    )


def mlflow_spec(home: Home, *, port: int, environment: Mapping[str, str]) -> ChildSpec:
    """Returns an MLflow server with one worker: SQLite takes one writer at a time anyway."""
    return ChildSpec(
        name="mlflow",
        command=(
            _script("mlflow"),
            *("server", "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{home.mlflow_database}"),
            *("--artifacts-destination", str(home.mlflow_artifacts)),
            *("--host", LOOPBACK, "--port", str(port)),
        ),
        environment=environment,
        ready_url=f"http://{LOOPBACK}:{port}/health",
        niceness=_BACKGROUND_NICENESS,
    )


def ray_spec(
    *,
    ports: StackPorts,
    temp_dir: Path,
    cpu_count: int,
    token: str,
    environment: Mapping[str, str],
) -> ChildSpec:
    """Returns a Ray head node without what one node does not use (autoscaler, log forwarding).

    Its CPUs are logical, a number that replicas are counted against: at least 8, so that a whole
    graph fits on a laptop with fewer cores.
    """
    return ChildSpec(
        name="ray",
        command=(
            _script("ray"),
            *("start", "--head", "--block", "--disable-usage-stats", "--log-color", "false"),
            *("--no-monitor", "--include-log-monitor", "false"),
            *("--node-ip-address", LOOPBACK, "--port", str(ports.gcs)),
            *("--dashboard-host", LOOPBACK, "--dashboard-port", str(ports.dashboard)),
            *("--dashboard-agent-listen-port", str(ports.dashboard_agent)),
            *("--ray-client-server-port", str(ports.ray_client)),
            *("--min-worker-port", "0", "--max-worker-port", "0"),  # any free ones
            *("--num-cpus", str(max(cpu_count, _MIN_LOGICAL_CPUS))),
            *("--object-store-memory", str(_OBJECT_STORE_BYTES)),
            *("--temp-dir", str(temp_dir)),
        ),
        environment=environment,
        ready_url=f"http://{LOOPBACK}:{ports.dashboard}/api/serve/applications/",
        ready_headers={"Authorization": f"Bearer {token}"},
    )


def _script(name: str) -> str:
    """Returns the path of a console script of this Python environment, whatever PATH says."""
    for folder in (Path(sysconfig.get_path("scripts")), Path(sys.executable).parent):
        if (folder / name).is_file():
            return str(folder / name)
    raise CliError(
        f"The command `{name}` is not installed beside this Python",
        "Install the project into it: pip install -e .",
    )
