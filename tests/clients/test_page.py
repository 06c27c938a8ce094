"""The snippets of docs/clients.md, as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.service import IN_ANSWER, ROOT

_PAGE = Path(__file__).parents[2] / "docs/clients.md"
_SNIPPETS = re.findall(r"^```python\n(.*?)^```$", _PAGE.read_text("utf-8"), re.M | re.S)


def first_module(snippet: str) -> str:
    return re.findall(r"^(?:import|from) ([\w.]+)", snippet, re.M)[0]


@pytest.mark.parametrize("snippet", _SNIPPETS, ids=first_module)
def test_a_snippet_works_as_it_stands(snippet: str, tmp_path: Path) -> None:
    for module in re.findall(r"^(?:import|from) ([\w.]+)", snippet, re.M):
        pytest.importorskip(module)
    script = tmp_path / "snippet.py"
    script.write_text(snippet.replace("http://127.0.0.1:8000", ROOT), encoding="utf-8")
    run = [sys.executable, str(script)]
    result = subprocess.run(run, capture_output=True, text=True, timeout=120, env={**os.environ})
    assert result.returncode == 0, result.stderr[-2000:]
    assert IN_ANSWER in result.stdout or "384" in result.stdout, result.stdout
