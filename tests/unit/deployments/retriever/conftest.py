"""What all tests of the retriever share."""

import pytest

from deployments.retriever import follower
from deployments.retriever.chroma import change_log


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every search asks, and no write waits."""
    for module in (change_log, follower):
        monkeypatch.setattr(module, "LEASE_S", 0.0)
