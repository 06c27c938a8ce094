"""Locks with hashes, licences that are allowed, and exceptions that expire."""

import importlib.util
import re
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
ALLOWED = "License :: MIT License\nMIT\nApache-2.0\nodd = looked at\n"


def load(name: str) -> ModuleType:
    import sys

    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


split_lock, licences, audit = load("split_lock"), load("licences"), load("audit")


@pytest.mark.parametrize("lock", sorted(file.name for file in ROOT.glob("requirements*.lock")))
def test_every_pin_has_a_hash(lock: str) -> None:
    entries = split_lock.entries((ROOT / lock).read_text())
    assert entries
    assert [one for one in entries if "--hash=sha256:" not in one] == []


def test_torch_without_cuda_is_of_the_same_version() -> None:
    pins = dict(
        map(split_lock.pin_of, split_lock.entries((ROOT / "requirements.lock").read_text()))
    )
    [cpu] = split_lock.entries((ROOT / "requirements.torch-cpu.lock").read_text())
    assert split_lock.pin_of(cpu) == ("torch", f"{pins['torch']}+cpu")
    [digest] = re.findall(r"sha256:\w+", cpu)
    assert digest in (ROOT / "requirements.lock").read_text()


def test_cuda_goes_to_a_file_of_its_own() -> None:
    text = "a==1 --hash=sha256:0\nnvidia-x==2 ; sys_platform == 'linux' --hash=sha256:1\n"
    everybody, cuda = split_lock.split(text)
    assert [split_lock.pin_of(one)[0] for one in (*everybody, *cuda)] == ["a", "nvidia-x"]


@pytest.mark.parametrize(
    ("said", "bad"),
    [
        ("MIT", False),
        ("License :: MIT License", False),
        ("MIT OR GPL-3.0-only", False),
        ("MIT AND GPL-3.0-only", True),
        (None, True),
    ],
)
def test_licences(said: str | None, bad: bool) -> None:
    component: dict[str, Any] = {"name": "x", "version": "1"}
    if said:
        component["licenses"] = [{"expression": said}]
    sbom = {"components": [component, {"name": "odd"}]}
    assert bool(list(licences.problems(sbom, ALLOWED))) == bad


def test_exceptions_expire() -> None:
    line = "GHSA-1 until 2026-12-31: not reachable"
    [found] = audit.parse_exemptions([line, "# a comment"], date(2026, 12, 31))
    assert found.advisory == "GHSA-1"
    with pytest.raises(audit.BadException, match="mend it"):
        audit.parse_exemptions([line], date(2027, 1, 1))
    with pytest.raises(audit.BadException, match="is not"):
        audit.parse_exemptions(["GHSA-1"], date(2026, 1, 1))


@pytest.mark.parametrize(
    ("status", "printed", "said", "judged"),
    [
        (0, "", "No known vulnerabilities found", 0),
        (0, "x  Dependency not found on PyPI and could not be audited: x (1)", "No known", 3),
        (1, "", "requests.exceptions.ConnectionError: ...", 3),
        (1, "x 1 GHSA-1 2", "Found 1 known vulnerability in 1 package", 1),
    ],
)
def test_no_answer_is_no_clean_bill(status: int, printed: str, said: str, judged: int) -> None:
    assert audit.judge(status, printed, said) == judged
