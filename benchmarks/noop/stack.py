"""The graph without work as a running stack, started and stopped as a user would do it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from benchmarks.peers.process import ServerFailed, free_port

CONFIGS = Path(__file__).parent
_ROOT = Path(__file__).parents[2]
_DEFAULT_MLFLOW_URL = "http://127.0.0.1:5000"


class NoopStack:
    """Runs inside `with`.

    Args:
        home: Folder for its files.
        haproxy: Whether HAProxy takes the requests, or Serve's own defaults do everything.
        config: What is deployed.
        mlflow_url: An MLflow server in place of the config's; empty for none.
    """

    def __init__(
        self,
        home: Path,
        *,
        haproxy: bool,
        config: Path = CONFIGS / "serve_config.yaml",
        mlflow_url: str = "",
    ) -> None:
        self._home = home
        self._haproxy = haproxy
        self._config = config
        self.url = f"http://127.0.0.1:{free_port()}"
        self._mlflow_url = mlflow_url

    def __enter__(self) -> Self:
        # Where `import_path` is looked up is the folder of the config file.
        config = _ROOT / f".noop-{os.getpid()}.yaml"
        text = self._config.read_text()
        if self._mlflow_url:
            text = text.replace(_DEFAULT_MLFLOW_URL, self._mlflow_url)
        config.write_text(text)
        try:
            started = self._run(
                "up",
                *("--config", str(config)),
                *("--port", self.url.rpartition(":")[2]),
                "--no-chroma",
                "--no-mlflow",
                "--haproxy" if self._haproxy else "--no-haproxy",
            )
        finally:
            config.unlink()
        if started.returncode:
            raise ServerFailed(f"the stack did not start:\n{started.stdout[-2000:]}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run("down")

    def cpu_s(self, *, actor: str = "") -> float:
        """Returns the processor time that its processes have used so far: all of them, or those
        whose command line has a text in it, as Ray writes the names of actors there."""
        state = json.loads((self._home / "state.json").read_text())
        total = 0.0
        for process in psutil.process_iter():
            try:
                if process.environ().get("RAGSERVE_INSTANCE") != state["instance"]:
                    continue
                if actor in " ".join(process.cmdline()):
                    times = process.cpu_times()
                    total += times.user + times.system
            except psutil.Error:
                continue  # it has ended, or is not ours to ask
        return total

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app.cli.main", *arguments, "--home", str(self._home)],
            capture_output=True,
            text=True,
            cwd=_ROOT,
        )
