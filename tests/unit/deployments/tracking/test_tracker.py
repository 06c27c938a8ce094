"""The tracker's shell: one writer at a time, also when a caller has lost patience."""

import asyncio
import threading

import pytest

from deployments.tracking.deployment import Tracker


class Runs:
    """Writes until it is told to stop, and counts who writes at once."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.calls = self.most = self.now = 0

    def record_pending(self) -> int:
        self.calls += 1
        self.now += 1
        self.most = max(self.most, self.now)
        self.go_on.wait(5)
        self.now -= 1
        return 3


@pytest.fixture
def runs() -> Runs:
    return Runs()


@pytest.fixture
def tracker(runs: Runs) -> Tracker:
    tracker = Tracker({})
    tracker._runs = runs  # type: ignore[assignment]
    return tracker


async def test_one_writes_at_a_time(tracker: Tracker, runs: Runs) -> None:
    first = asyncio.create_task(tracker.record_rollouts())
    await asyncio.sleep(0.02)
    first.cancel()
    await asyncio.sleep(0)
    assert await tracker.record_rollouts() == 0
    runs.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    while tracker._writing.locked():  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    assert await tracker.record_rollouts() == 3
    assert (runs.calls, runs.most) == (2, 1)


async def test_without_mlflow_nothing_is_written() -> None:
    assert await Tracker({}).record_rollouts() == 0
