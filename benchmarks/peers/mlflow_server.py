"""An MLflow server that a measurement kills and starts again."""

import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.peers.process import Server, free_port

_READY_S = 90.0


class MlflowServer:
    """An MLflow server on loopback, over files that outlive it; as a context it is started on the
    way in and killed on the way out.

    Args:
        folder: Where its files are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._port = free_port()
        self._server: Server | None = None
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self, *, wait: bool = True) -> None:
        """Starts it.

        Raises:
            ServerFailed: it does not answer in time.
        """
        command = [
            str(Path(sys.executable).with_name("mlflow")),
            *("server", "--workers", "1", "--host", "127.0.0.1", "--port", str(self._port)),
            *("--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}"),
            *("--artifacts-destination", str(self.folder / "artifacts")),
        ]
        quiet = {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        self._server = Server(
            "mlflow", command, log_file=self.folder / "server.log", environment=quiet
        )
        self._server.__enter__()
        if wait:
            self._server.wait_ready(f"{self.url}/health", timeout_s=_READY_S)

    def kill(self) -> None:
        """Kills it and its workers, which are a process group of their own; does nothing twice."""
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.stop()
            self._server = None

    @property
    def is_running(self) -> bool:
        """Whether it was started, and not killed since."""
        return self._server is not None
