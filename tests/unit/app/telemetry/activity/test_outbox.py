"""Whatever is lost on the way, the tracker ends up with exactly what was served."""

import logging
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings.cold.activity import ActivityArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from app.telemetry.activity.outbox import ActivityOutbox
from deployments.activity import OTHER_KEYS, ActivityReport, UsageKey
from tests.unit.app.telemetry.requests import STARTED_NS, finished

LIVE = GatewayLive(
    releases={name: Release(retrieval="r", generator=("g",)) for name in ("one", "two")},
    traffic={"one": 1.0},
)
MINUTE_NS = 60_000_000_000
STEPS = st.lists(
    st.sampled_from(["serve", "serve-other", "taken", "answer-lost", "report-lost", "minute"]),
    max_size=60,
)


class Clock:
    def __init__(self) -> None:
        self.now_ns = STARTED_NS

    def now_s(self) -> float:
        return self.now_ns / 1e9


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_outbox(clock: Clock, **args: int) -> ActivityOutbox:
    return ActivityOutbox("r1", lambda: LIVE, ActivityArgs(**args), now_s=clock.now_s)


def serve(outbox: ActivityOutbox, clock: Clock, release: str = "one", key: str = "k") -> None:
    notes = replace(finished().notes, release=release, usage_key=key)
    outbox.meter.take(finished(notes, started_ns=clock.now_ns, total_ms=1.0))


class Tracker:
    """Takes every number once."""

    def __init__(self) -> None:
        self.sequence = 0
        self.usage: Counter[UsageKey] = Counter()
        self.minutes: Counter[tuple[str, int]] = Counter()

    def take(self, report: ActivityReport) -> None:
        if report.sequence <= self.sequence:
            return
        assert report.sequence == self.sequence + 1
        self.sequence = report.sequence
        for key, usage in report.usage.items():
            self.usage[key] += usage.requests
        for one in report.minutes:
            self.minutes[one.release, one.minute] += one.counts.requests
            assert one.fingerprint in report.vectors


@given(STEPS)
def test_sums_are_exact_whatever_is_lost(steps: list[str]) -> None:
    clock, tracker = Clock(), Tracker()
    outbox = make_outbox(clock)
    served: Counter[tuple[str, int]] = Counter()
    for step in steps:
        if step.startswith("serve"):
            release = "two" if step == "serve-other" else "one"
            serve(outbox, clock, release)
            served[release, clock.now_ns // MINUTE_NS] += 1
        elif step == "minute":
            clock.now_ns += MINUTE_NS
        elif (report := outbox.report()) is not None:
            if step != "report-lost":
                tracker.take(report)
            if step == "taken":
                outbox.answered()
    while (report := outbox.report(last=True)) is not None:
        tracker.take(report)
        outbox.answered()
    assert tracker.minutes == served
    assert sum(tracker.usage.values()) == served.total()
    assert outbox.waiting_requests == 0


def test_a_report_that_nobody_answered_goes_again_unchanged(clock: Clock) -> None:
    outbox = make_outbox(clock)
    serve(outbox, clock)
    first = outbox.report()
    serve(outbox, clock)
    assert outbox.report() is first
    assert first is not None
    assert [usage.requests for usage in first.usage.values()] == [1]
    assert [one.timings["total_ms"].count for one in first.minutes] == [1]
    assert outbox.waiting_requests == 2
    outbox.answered()
    second = outbox.report()
    assert second is not None
    assert (first.sequence, second.sequence) == (1, 2)
    assert [usage.requests for usage in second.usage.values()] == [1]


def test_where_there_is_nothing_to_say_nothing_is_said(clock: Clock) -> None:
    outbox = make_outbox(clock)
    assert outbox.report() is None
    serve(outbox, clock)
    outbox.report()
    outbox.answered()
    assert outbox.report() is None
    assert outbox.report(last=True) is None


def test_a_long_outage_loses_old_minutes_and_no_usage(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = make_outbox(clock, waiting_minutes=10)
    with caplog.at_level(logging.WARNING, logger="ray.serve"):
        for _ in range(30):
            serve(outbox, clock)
            clock.now_ns += MINUTE_NS
    tracker = Tracker()
    while (report := outbox.report(last=True)) is not None:
        tracker.take(report)
        outbox.answered()
    assert sum(tracker.usage.values()) == 30
    assert len(tracker.minutes) == 11
    assert outbox.dropped() == {"requests": 0, "minutes": 19, "answers": 0}
    assert "19 minutes are dropped" in caplog.messages[-1]


def test_a_report_after_an_outage_comes_in_parts(clock: Clock) -> None:
    outbox = make_outbox(clock)
    for _ in range(100):
        serve(outbox, clock)
        clock.now_ns += MINUTE_NS
    sizes = []
    while (report := outbox.report()) is not None:
        sizes.append(len(report.minutes))
        outbox.answered()
    assert sizes == [60, 40]


def test_too_many_keys_are_counted_together(clock: Clock) -> None:
    outbox = make_outbox(clock, waiting_keys=3)
    for number in range(10):
        serve(outbox, clock, key=f"k{number % 5}")
    report = outbox.report()
    assert report is not None
    used = {key.key_id: usage.requests for key, usage in report.usage.items()}
    assert used == {"k0": 2, "k1": 2, "k2": 2, OTHER_KEYS: 4}
