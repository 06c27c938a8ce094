"""The client library loads nothing of the service: it is installed without it."""

import subprocess
import sys
from pathlib import Path

import ragserve.client

ROOT = Path(__file__).parents[3]
OF_THE_SERVICE = {
    *("ray", "torch", "fastapi", "starlette", "chromadb", "mlflow", "numpy", "sqlalchemy"),
    *("transformers", "sentence_transformers", "openvino", "tantivy", "sklearn", "scipy"),
}


def test_the_library_loads_nothing_of_the_service() -> None:
    code = "import sys, ragserve.client; print(*sorted(sys.modules))"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    loaded = {name.partition(".")[0] for name in printed.split()}
    assert "httpx" in loaded
    assert not OF_THE_SERVICE & loaded


def test_what_is_promised_is_there() -> None:
    assert sorted(ragserve.client.__all__) == ragserve.client.__all__
    missing = [name for name in ragserve.client.__all__ if not hasattr(ragserve.client, name)]
    assert missing == []
