"""What worker processes load beforehand: Serve, and no pandas that nobody has asked for."""

import importlib.util
import subprocess
import sys

import pytest

from app.cluster.environment import SERVE_SETTINGS


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_serve_is_there_and_pandas_can_still_be_had() -> None:
    if importlib.util.find_spec("pandas") is None:
        pytest.skip("pandas is not installed")
    code = (
        f"import sys, {SERVE_SETTINGS['RAY_preload_python_modules']}\n"
        "print('ray.serve' in sys.modules, 'pandas' in sys.modules, 'pyarrow' in sys.modules)\n"
        "import pandas\n"
        "print(pandas.DataFrame({'a': [1]}).shape)"
    )
    assert run(code).split("\n") == ["True False False", "(1, 1)"]


def test_who_has_pandas_already_keeps_it() -> None:
    if importlib.util.find_spec("pandas") is None:
        pytest.skip("pandas is not installed")
    code = "import sys, pandas, app.cluster.preload\nprint(sys.modules['pandas'] is pandas)"
    assert run(code) == "True"
