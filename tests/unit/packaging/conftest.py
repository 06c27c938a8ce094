"""The wheel, built as a release builds it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def build_wheel(folder: Path, *, umask: int = 0o022) -> Path:
    """Returns the wheel that `make wheel` would make of the working tree."""
    subprocess.run(
        [ROOT / ".ci" / "build_wheel", folder],
        check=True,
        env=os.environ | {"PYTHON": sys.executable},
        umask=umask,
    )
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))
