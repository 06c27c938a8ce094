"""The tracker's shell: one writer at a time, also when a caller has lost patience; and what the
gateway told is kept before it hears so."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deployments.activity import GivenAnswer, UsageQuery
from deployments.assessments.contract import AssessmentQuery, Feedback, Judgement
from deployments.contracts.calls import CallContext, StageCall
from deployments.control.store import ControlStore
from deployments.drift import DriftRequest
from deployments.tracking import deployment
from deployments.tracking.deployment import Tracker
from tests.activity_reports import make_minute, make_report

CALL = CallContext("r1", 5.0)
StartTracker = Callable[..., Awaitable[Tracker]]


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
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'control.db'}"


@pytest.fixture
async def start(url: str) -> AsyncIterator[StartTracker]:
    """Starts trackers as Serve does."""
    started: list[Tracker] = []

    async def begin() -> Tracker:
        tracker = Tracker.__new__(Tracker)
        await tracker.__init__({"database_url": url})  # type: ignore[misc]
        started.append(tracker)
        return tracker

    yield begin
    for tracker in started:
        for task in tracker._tasks:
            task.cancel()
        tracker._ledger.close()


@pytest.fixture
async def tracker(start: StartTracker) -> Tracker:
    return await start()


async def test_one_writes_at_a_time(tracker: Tracker) -> None:
    runs = Runs()
    tracker._rollout_runs = runs  # type: ignore[assignment]
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


async def test_without_mlflow_nothing_is_written_and_usage_works(tracker: Tracker) -> None:
    assert await tracker.record_rollouts() == 0
    report = make_report(1, minutes=[make_minute(5)])
    calls = [StageCall("take", (report,), {}, CALL)] * 2
    assert [one.error for one in await tracker.run(calls)] == [None, None]
    query = UsageQuery("2026-11-01", "2026-11-30", by=("key",))
    (row,) = await tracker.usage(query, call=CALL)
    assert row.usage.requests == 1


async def test_a_replica_of_an_older_version_reports_what_it_knows(tracker: Tracker) -> None:
    report = make_report(1, minutes=[make_minute(5)])
    for value, names in (
        (report, ("answers", "judgements")),
        (report.minutes[0].counts, ("rated", "judged", "relevance_thousandths")),
    ):
        for name in names:
            object.__delattr__(value, name)
    await tracker.take(report, call=CALL)
    (kept,) = tracker._ledger.unrecorded(before=9, quiet_since_s=1e12, limit=9)
    assert kept.minute == make_minute(5)


async def test_what_judges_say_is_kept_though_the_report_comes_again(tracker: Tracker) -> None:
    now_s = time.time()  # what is old is forgotten meanwhile
    said = Judgement(
        *("ev_1", "groundedness", 0.5, "code", "m", "acme", "r1", "a", "f1", "", now_s, now_s)
    )
    report = replace(make_report(1), judgements=(said,))
    for _ in range(2):
        await tracker.take(report, call=CALL)
    (kept,) = (
        await tracker.assessments(AssessmentQuery("acme", name="groundedness"), call=CALL)
    ).assessments
    assert (kept.score, kept.source) == (0.5, "code")


async def test_an_answer_that_was_told_can_be_rated_and_goes_with_its_tenant(
    tracker: Tracker,
) -> None:
    now_s = time.time()  # what is old is forgotten at any moment
    answer = GivenAnswer("acme", "r1", now_s, "a", "f1")
    await tracker.take(replace(make_report(1), answers=(answer,)), call=CALL)
    await tracker.rate(Feedback("acme", "r1", 1.0, at_s=now_s + 1.0), call=CALL)
    (score,) = await tracker.scores(tenant="acme", since_s=0.0, call=CALL)
    assert (score.release, score.count, score.mean) == ("a", 1, 1.0)
    erased = await tracker.erase_tenant("acme", call=CALL)
    assert (dict(erased.counts), erased.is_done) == (
        {"queries": 0, "assessments": 1, "answer_ids": 1},
        True,
    )
    assert await tracker.scores(tenant=None, since_s=0.0, call=CALL) == []


async def test_trackers_and_a_controller_may_start_at_once(start: StartTracker, url: str) -> None:
    controller = ControlStore(url)
    first, second, _ = await asyncio.gather(start(), start(), asyncio.to_thread(controller.upgrade))
    await first.take(make_report(1), call=CALL)
    await second.take(make_report(1), call=CALL)
    (row,) = await second.usage(UsageQuery("2026-01-01", "2026-12-31"), call=CALL)
    assert row.usage.requests == 1
    assert await asyncio.to_thread(controller.active) is None
    controller.close()


async def test_old_traces_are_forgotten_where_the_settings_say_so(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    asked: list[tuple[str, str, float]] = []

    class Retention:
        def __init__(self, server: str, experiment: str, *, days: float) -> None:
            self.settings = (server, experiment, days)

        def forget_old(self, *, now_s: float) -> int:
            asked.append(self.settings)
            return 0

    monkeypatch.setattr(deployment, "TraceRetention", Retention)
    server = "http://127.0.0.1:1"
    for retention in ({}, {"traces_days": 2.5}):
        tracker = Tracker.__new__(Tracker)
        settings = {"mlflow_url": server, "traces_experiment": "t", "retention": retention}
        await tracker.__init__({"database_url": url, "tracker": settings})  # type: ignore[misc]
        await tracker._forget_old_traces()
        for task in tracker._tasks:
            task.cancel()
        tracker._ledger.close()
    assert set(asked) == {(server, "t", 2.5)}


async def test_it_writes_and_forgets_by_itself(
    monkeypatch: pytest.MonkeyPatch, start: StartTracker
) -> None:
    monkeypatch.setattr(deployment, "_FORGET_EVERY_S", 0.01)
    monkeypatch.setattr(deployment, "_RECORD_EVERY_S", 0.01)
    tracker = await start()
    runs = Runs()
    runs.go_on.set()
    tracker._release_runs = runs  # type: ignore[assignment]
    await tracker.take(make_report(1, minutes=[make_minute(5)]), call=CALL)
    async with asyncio.timeout(5):
        while runs.calls < 2 or tracker._ledger.unrecorded(  # noqa: ASYNC110
            before=9, quiet_since_s=1e12, limit=9
        ):
            await asyncio.sleep(0.01)


async def test_one_comparison_at_a_time_also_when_callers_have_lost_patience(
    start: StartTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = await start()
    runs = Runs()
    monkeypatch.setattr(tracker._drift, "compare", lambda *_, **__: runs.record_pending())
    wish = DriftRequest("one")
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(tracker.drift(wish, call=CALL), 0.05)
    runs.go_on.set()
    await tracker.drift(wish, call=CALL)
    assert runs.most == 1
