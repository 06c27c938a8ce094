"""The service of all tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.app.dispatch.caching.service import Service


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes longer than a service may wait."""
    monkeypatch.setattr("app.cache.response_cache._LOOKUP_S", 10.0)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    made = Service(tmp_path / "cache.db")
    await made.write("Paris is the capital of France.")
    async with made.cache.running():
        yield made
