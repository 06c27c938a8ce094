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

_CONFIG = Path(__file__).with_name("serve_config.yaml")
_ROOT = Path(__file__).parents[2]


class NoopStack:
    """Runs inside `with`.

    Args:
        home: Folder for its files.
        haproxy: Whether HAProxy takes the requests, or Serve's own defaults do everything.
    """

    def __init__(self, home: Path, *, haproxy: bool) -> None:
        self._home = home
        self._haproxy = haproxy
        self.url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> Self:
        # Where `import_path` is looked up is the folder of the config file.
        config = _ROOT / f".noop-{os.getpid()}.yaml"
        config.write_text(_CONFIG.read_text())
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

    def cpu_s(self) -> float:
        """Returns the processor time that all its processes have used so far."""
        state = json.loads((self._home / "state.json").read_text())
        total = 0.0
        for process in psutil.process_iter():
            try:
                if process.environ().get("RAGSERVE_INSTANCE") == state["instance"]:
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
