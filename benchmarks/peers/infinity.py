"""Infinity, an embedding server that many use, in an environment of its own.

Its releases want older packages than this project has, so that they cannot share one. Two of its
engines are worth a comparison on a CPU: torch with the arithmetic that suits the processor, and
ONNX Runtime. Source: https://github.com/michaelfeil/infinity.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deployments.encoding.weights import PACKAGED_MODEL, model_path

REQUIREMENTS = (
    "infinity-emb[server]==0.0.77",
    "torch==2.13.0",
    "sentence-transformers==5.7.0",
    "optimum==1.24.0",
    "transformers==4.48.3",
    "click<8.2",
    "numpy<2",
    "onnx==1.23.2",
    "onnxruntime==1.31.1",
    "onnxscript==0.7.2",
)
"""The bounds are what this version needs in order to start."""

Engine = Literal["torch", "optimum"]
_EXPORTER = Path(__file__).with_name("export_onnx.py")
_STAMP = "requirements.txt"
_READY_PATH = "/v1/models"


class InstallFailed(Exception):
    """The environment could not be made; the message holds the end of the output."""


@dataclass(frozen=True, slots=True)
class InfinityEnvironment:
    """A folder with a virtual environment, and a copy of the model with its ONNX graph."""

    folder: Path

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / "venv" / "bin" / "python"

    @property
    def onnx_model(self) -> Path:
        """The copy of the model; the engine writes its optimised graph there."""
        return self.folder / PACKAGED_MODEL

    def variables(self) -> Mapping[str, str]:
        """Returns what a process of it needs: no telemetry, no hub, no cache outside the folder."""
        return {
            "DO_NOT_TRACK": "1",
            "INFINITY_ANONYMOUS_USAGE_STATS": "0",
            "HF_HUB_OFFLINE": "1",
            "HF_HOME": str(self.folder / "cache"),
        }

    def command(self, *, engine: Engine, dtype: str, port: int) -> list[str]:
        """Returns what serves the packaged model on a port of this machine."""
        model = self.onnx_model if engine == "optimum" else model_path(PACKAGED_MODEL)
        return [
            *(str(self.python.with_name("infinity_emb")), "v2"),
            *("--host", "127.0.0.1", "--port", str(port), "--url-prefix", "/v1"),
            *("--model-id", str(model), "--served-model-name", PACKAGED_MODEL),
            *("--engine", engine, "--dtype", dtype, "--device", "cpu"),
            # The ONNX engine takes the first token's vector otherwise, which this model is not for.
            *("--pooling-method", "mean"),
            # It is for a version of transformers that this one is not.
            "--no-bettertransformer",
            *("--log-level", "warning"),
        ]


def ready_url(port: int) -> str:
    """Returns what answers 200 once the server is ready."""
    return f"http://127.0.0.1:{port}{_READY_PATH}"


def prepare(folder: Path, *, on_step: Callable[[str], None]) -> InfinityEnvironment:
    """Returns the environment in a folder; makes it there the first time, which takes minutes.

    Args:
        folder: Any folder; what another version of this list of packages left is made anew.
        on_step: Told what is being done.

    Raises:
        InstallFailed: a step ended with an error.
    """
    environment = InfinityEnvironment(folder.resolve())
    stamp = environment.folder / _STAMP
    wanted = "\n".join(REQUIREMENTS) + "\n"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return environment
    environment.folder.mkdir(parents=True, exist_ok=True)
    on_step("making the peer's environment")
    venv = environment.python.parents[1]
    _run([sys.executable, "-m", "venv", "--clear", str(venv)], {})
    on_step("installing the peer's packages")
    _run([str(environment.python), "-m", "pip", "install", "--quiet", *REQUIREMENTS], {})
    on_step("exporting the model for ONNX Runtime")
    shutil.copytree(model_path(PACKAGED_MODEL), environment.onnx_model, dirs_exist_ok=True)
    graph = environment.onnx_model / "onnx" / "model.onnx"
    graph.parent.mkdir(exist_ok=True)
    export = [str(environment.python), str(_EXPORTER), str(environment.onnx_model), str(graph)]
    _run(export, environment.variables())
    stamp.write_text(wanted, encoding="utf-8")
    return environment


def _run(command: list[str], variables: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **variables}, check=False
    )
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-12:])
        raise InstallFailed(f"`{' '.join(command[:4])} ...` failed:\n{last}")
