"""A stack of ours for one measurement, started and stopped as a user would do it."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import yaml

from app.local.home import Home
from app.local.processes import find_members
from app.local.state import StackState, read_state
from benchmarks.generation_study.processes import cpu_by_role, freeze, thaw
from benchmarks.peers.process import ServerFailed, free_port

_ROOT = Path(__file__).parents[2]
_SETTLE_S = 0.5
_ROLES = {
    "gateway": "ServeReplica:gateway:",
    "generator": "ServeReplica:",
    "haproxy": "haproxy",
    "engine": "EngineCore",
}
"""What a process's title holds, by its role."""


class GenerationStack:
    """Runs inside `with`; what is started is stopped whatever happens.

    Args:
        folder: For its files.
        config: As `serve_config.serve_config` gives it.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self._home = folder / "home"
        self._config_file = folder / "serve_config.yaml"
        self._config = config
        self._state: StackState | None = None
        self.url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> Self:
        self._config_file.parent.mkdir(parents=True, exist_ok=True)
        self._config_file.write_text(yaml.safe_dump(dict(self._config)), encoding="utf-8")
        try:
            port = self.url.rpartition(":")[2]
            started = self._run(
                "up", *("--config", str(self._config_file), "--port", port), *_WITHOUT, *_PATIENCE
            )
            if started.returncode:
                raise ServerFailed(f"the stack did not start:\n{_end(started)}")
            self._state = read_state(Home(self._home).state_file)
        except BaseException:
            self._run("down")
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.thaw()
        stopped = self._run("down")
        if stopped.returncode and error is None:
            raise ServerFailed(f"the stack did not stop:\n{_end(stopped)}")

    def freeze(self) -> None:
        """Takes the processor away from all its processes at once."""
        freeze(self._members())

    def thaw(self) -> None:
        """Lets them go on, and waits until what had piled up is done."""
        thaw(self._members())
        time.sleep(_SETTLE_S)

    def cpu_s(self, application: str) -> dict[str, float]:
        """Returns the processor time so far of those that take part in an answer.

        Args:
            application: Of the generator.
        """
        roles = _ROLES | {"generator": f"ServeReplica:{application}:"}
        return cpu_by_role(self._members(), roles)

    def _members(self) -> list[psutil.Process]:
        if self._state is None:
            return []
        return find_members(self._state.instance, self._state.children)

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.cli.main", *arguments, "--home", str(self._home)]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=_ROOT,
            # Where `import_path` is looked up beside the config's folder.
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            check=False,
        )


_WITHOUT = ("--no-chroma", "--no-mlflow")
_PATIENCE = ("--timeout", "300")


def _end(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stdout + done.stderr)[-2000:]
