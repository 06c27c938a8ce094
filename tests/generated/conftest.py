"""Clients that generators write from docs/openapi.json: made, compiled, and used for one call.

Run by `make test-generated`, in an environment of its own, against the running service.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

DESCRIPTION = Path(__file__).parents[2] / "docs/openapi.json"
URL = os.environ.get("RAGSERVE_URL", "http://127.0.0.1:8000").rstrip("/")
QUESTION = "What happens when a queue is full?"
IN_ANSWER = "503"
JS = Path(__file__).parent / "js"
Run = Callable[..., str]
Generate = Callable[[str], Path]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command to its end and returns what it printed, or fails with it."""

    def run(*command: str, cwd: Path = tmp_path, env: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=os.environ | {"RAGSERVE_URL": URL} | dict(env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=280,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    return run


@pytest.fixture
def openapi_generator(run: Run, tmp_path: Path) -> Generate:
    """Returns the folder of a client in a language, written by openapi-generator."""

    def generate(language: str) -> Path:
        command = Path(sys.executable).with_name("openapi-generator-cli")
        run(
            *(str(command), "generate", "-i", str(DESCRIPTION), "-g", language, "-o", language),
            # Else the form of an upload has no model where a body may be JSON, too.
            *("--global-property", "skipFormModel=false"),
        )
        return tmp_path / language

    return generate


@pytest.fixture
def node() -> Path:
    """The folder of the packages for Node.js."""
    if shutil.which("node") is None or not (JS / "node_modules").is_dir():
        pytest.skip("Node.js 22 or newer is not installed")
    return JS
