"""The tie to the tracker: it tells by itself, waits while nobody listens, tells the rest last."""

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import pytest

from app.settings.cold.activity import ActivityArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from app.telemetry.activity.link import TrackerLink
from app.telemetry.activity.outbox import ActivityOutbox
from deployments.activity import ActivityReport, UsageQuery
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import InvalidRequest, Unavailable
from deployments.ledger.store import Ledger
from tests.unit.app.telemetry.requests import finished

LIVE = GatewayLive(releases={"one": Release(retrieval="r", generator=("g",))}, traffic={"one": 1.0})


class Tracker:
    """A tracker over a real ledger, to which the way may break off before or after it took a
    report."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.failure: Exception | None = None
        self.hears = True
        self.calls = 0

    async def take(self, report: ActivityReport, *, call: CallContext) -> None:
        self.calls += 1
        if self.hears:
            await asyncio.to_thread(self._ledger.take, report, now_s=time.time())
        if self.failure is not None:
            raise self.failure

    def requests(self) -> int:
        rows = self._ledger.usage(UsageQuery("2000-01-01", "2100-01-01"))
        return sum(row.usage.requests for row in rows)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody asks for {name}")


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    ledger = Ledger(f"sqlite:///{tmp_path / 'control.db'}")
    ledger.upgrade()
    return Tracker(ledger)


@pytest.fixture
def outbox() -> ActivityOutbox:
    return ActivityOutbox("r1", lambda: LIVE, ActivityArgs())


@pytest.fixture
def link(tracker: Tracker, outbox: ActivityOutbox) -> TrackerLink:
    return TrackerLink(tracker, outbox, replica="r1", every_s=0.01)


async def test_it_tells_by_itself(
    link: TrackerLink, tracker: Tracker, outbox: ActivityOutbox
) -> None:
    link.begin()
    for served in range(1, 4):
        outbox.meter.take(finished())
        async with asyncio.timeout(5):
            while tracker.requests() < served:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    assert await link.flush(1.0)
    calls = tracker.calls
    await asyncio.sleep(0.05)
    assert tracker.calls == calls, "it has ended"


async def test_a_lost_answer_counts_nothing_twice(
    link: TrackerLink,
    tracker: Tracker,
    outbox: ActivityOutbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    outbox.meter.take(finished())
    tracker.failure = Unavailable("gone", "tracker")
    with caplog.at_level(logging.INFO, logger="ray.serve"):
        assert [await link.exchange() for _ in range(3)] == [False] * 3
        outbox.meter.take(finished())
        tracker.failure = None
        assert await link.exchange()
        assert tracker.requests() == 1
        assert await link.exchange()
    assert tracker.requests() == 2
    assert len(caplog.messages) == 2, "one when it went, one when it was back"


async def test_the_end_waits_for_a_tracker_that_comes_back(
    link: TrackerLink, tracker: Tracker, outbox: ActivityOutbox
) -> None:
    tracker.failure, tracker.hears = Unavailable("gone", "tracker"), False
    for _ in range(3):
        outbox.meter.take(finished())
        assert not await link.exchange()
    ending = asyncio.create_task(link.flush(5.0))
    await asyncio.sleep(0.05)
    tracker.failure, tracker.hears = None, True
    assert await ending
    assert tracker.requests() == 3


@pytest.mark.parametrize("failure", [Unavailable("gone", "tracker"), RuntimeError("a mistake")])
async def test_the_end_does_not_wait_for_ever(
    link: TrackerLink,
    tracker: Tracker,
    outbox: ActivityOutbox,
    caplog: pytest.LogCaptureFixture,
    failure: Exception,
) -> None:
    tracker.failure, tracker.hears = failure, False
    link.begin()
    for _ in range(7):
        outbox.meter.take(finished())
    assert not await link.flush(0.15)
    assert "the usage of 7 requests is lost" in caplog.text


async def test_two_at_once_tell_one_thing_after_the_other(
    link: TrackerLink, tracker: Tracker, outbox: ActivityOutbox
) -> None:
    for _ in range(20):
        outbox.meter.take(finished())
        await asyncio.gather(*(link.exchange() for _ in range(4)))
    assert tracker.requests() == 20


async def test_what_is_refused_for_good_holds_up_nothing(
    link: TrackerLink,
    tracker: Tracker,
    outbox: ActivityOutbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(3):
        outbox.meter.take(finished())
    tracker.failure, tracker.hears = InvalidRequest("It cannot be kept.", "tracker"), False
    assert not await link.exchange()
    outbox.meter.take(finished())
    tracker.failure, tracker.hears = None, True
    assert await link.exchange()
    assert tracker.requests() == 1
    assert outbox.dropped() == {"requests": 3, "minutes": 1, "answers": 3}
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.getMessage() == "the tracker refuses the usage of 3 requests: It cannot be kept."


async def test_the_end_tells_the_rest_after_a_refusal(
    link: TrackerLink, tracker: Tracker, outbox: ActivityOutbox
) -> None:
    outbox.meter.take(finished())
    assert outbox.report() is not None
    outbox.meter.take(finished())
    tracker.failure, tracker.hears = InvalidRequest("It cannot be kept.", "tracker"), False
    ending = asyncio.create_task(link.flush(5.0))
    while not tracker.calls:  # noqa: ASYNC110
        await asyncio.sleep(0)
    tracker.failure, tracker.hears = None, True
    assert await ending
    assert tracker.requests() == 1
    assert outbox.dropped()["requests"] == 1
