"""A real MLflow server for the tests that kill it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.integration.cluster import free_port, until


class MlflowServer:
    """An MLflow server on loopback, over files that outlive it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self, *, wait: bool = True) -> None:
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(Path(sys.executable).with_name("mlflow")),
                    *("server", "--workers", "1", "--host", "127.0.0.1"),
                    *("--port", str(self._port)),
                    *("--backend-store-uri", f"sqlite:///{self._folder / 'mlflow.db'}"),
                    *("--artifacts-destination", str(self._folder / "artifacts")),
                ],
                stdout=log,
                stderr=log,
                env=os.environ
                | {
                    "MLFLOW_DISABLE_TELEMETRY": "true",
                    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                },
                start_new_session=True,
            )
        if wait:
            until(self._answers, within_s=60, what="an answer of the MLflow server")

    def kill(self) -> None:
        """Kills the server and its workers, which are a process group of their own."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False
