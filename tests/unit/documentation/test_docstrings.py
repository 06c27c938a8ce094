"""Examples in docstrings give what they say."""

import doctest
import importlib

import pytest

from tests.unit.documentation.examples import ROOT

MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for package in ("app", "deployments", "ragserve", "benchmarks")
    for file in (ROOT / package).rglob("*.py")
    if ">>> " in file.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module_hold(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried
    assert not failed


def test_there_are_some() -> None:
    assert len(MODULES) > 10
