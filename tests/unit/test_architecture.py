"""What may import what at run time, and what every file must say."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    file.relative_to(ROOT).as_posix()
    for package in ("app", "deployments", "ragserve")
    for file in (ROOT / package).rglob("*.py")
)
PURE = [
    "deployments.contracts.documents",
    "deployments.contracts.errors",
    "deployments.batching.batcher",
    "deployments.batching.planning",
    "deployments.canary.assignment",
    "deployments.canary.rollout",
    "deployments.redaction.content_policy",
    "deployments.rollouts",
    "deployments.generator.extractive.engine",
    "deployments.generator.extractive.reading.sentences",
    "deployments.indexer.documents",
    "app.dispatch.dispatcher",
    "app.answering.pipeline",
    "app.releases.releases",
    "app.settings.cold.gateway",
    "app.api.application",
]
HEAVY = {"ray", "torch", "vllm", "chromadb", "sentence_transformers", "mlflow"}


def test_pure_modules_load_nothing_heavy() -> None:
    """Imports one after the other, and names the first module that loaded something."""
    code = f"""
import importlib, sys
for name in {PURE}:
    importlib.import_module(name)
    heavy = sorted({HEAVY} & set(sys.modules))
    if heavy:
        print(name, "loads", *heavy)
        break
"""
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert printed == ""


@pytest.mark.parametrize("name", SOURCES)
def test_every_file_says_what_it_is_for(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    if name.endswith("/__init__.py"):
        assert len(tree.body) == 1, "a package holds its docstring and nothing else"


@pytest.mark.parametrize("name", SOURCES)
def test_nobody_leaves_siblings_running(name: str) -> None:
    """Ruff says so too, but not in the files that may import what others may not."""
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    names = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert "asyncio.gather" not in names
