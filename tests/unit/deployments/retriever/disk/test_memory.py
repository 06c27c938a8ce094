"""Memory goes back to the system."""

import sys

import pytest

from deployments.retriever.disk import memory
from deployments.retriever.disk.memory import give_back


def test_giving_back_is_safe_wherever_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    give_back()
    monkeypatch.setattr(sys, "platform", "darwin")
    give_back()
    assert memory._trim() is None
