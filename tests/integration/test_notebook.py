"""The notebook runs from top to bottom against the shared stack."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from benchmarks.peers.mlflow_server import MlflowServer
from tests.integration.cluster import REPOSITORY, Cluster

NOTEBOOK = REPOSITORY / "notebooks/quickstart.ipynb"


@pytest.mark.usefixtures("guide")
# Jupyter's client, in a loop of its own: what it leaves open is its own affair.
@pytest.mark.filterwarnings("default")
def test_every_cell_runs_and_shows_what_it_promises(
    cluster: Cluster, mlflow: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.wait_ready()
    monkeypatch.setenv("RAGSERVE_URL", cluster.url)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow.url)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3")
    client.execute(cwd=str(tmp_path))
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    texts = [_text(cell) for cell in cells]
    assert "503" in texts[1]
    assert "grounded: False" in texts[2]
    assert "minilm-unranked" in texts[5]
    assert "reranker" in texts[7]
    assert any("image/png" in output.get("data", {}) for output in cells[-1].outputs)


def test_it_is_kept_without_outputs() -> None:
    """A figure of somebody's machine would be taken for a promise."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)


def _text(cell: Any) -> str:
    parts = []
    for output in cell.outputs:
        parts.append(str(output.get("text", "")))
        parts.append(str(output.get("data", {}).get("text/plain", "")))
    return "".join(parts)
