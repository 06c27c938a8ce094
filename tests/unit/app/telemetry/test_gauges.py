"""Counts that are read now and then."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import get_args

import pytest

from app.settings.cold.breaker import BreakerState
from app.telemetry.gauges import Admission, Gauges
from deployments.telemetry import catalog
from deployments.tracing.counters import DropReason, TraceCounts
from tests.recording_meter import RecordingMeter, series

NOTHING = TraceCounts(
    ended=0,
    exported=0,
    replayed=0,
    spooled=0,
    adopted=0,
    dropped=dict.fromkeys(get_args(DropReason), 0),
    waiting=0,
    spool_bytes=0,
)


def test_counters_grow_by_what_came_since_the_last_reading() -> None:
    meter, counts = RecordingMeter(), NOTHING
    gauges = Gauges(meter, spans=lambda: counts)
    gauges.read()
    assert meter.sums(catalog.SPANS) == {}
    counts = replace(NOTHING, ended=10, exported=6, spooled=4, waiting=2, spool_bytes=900)
    gauges.read()
    lost = {**NOTHING.dropped, "queue_full": 3}
    counts = replace(counts, ended=25, replayed=4, dropped=lost, waiting=0, spool_bytes=0)
    gauges.read()
    gauges.read()
    assert meter.values[catalog.SPANS.name] == {
        series(event="ended"): [10, 15],
        series(event="exported"): [6],
        series(event="spooled"): [4],
        series(event="replayed"): [4],
    }
    assert meter.values[catalog.SPANS_DROPPED.name] == {series(reason="queue_full"): [3]}
    assert meter.values[catalog.SPANS_WAITING.name] == {(): [0]}
    assert meter.values[catalog.SPOOL_BYTES.name] == {(): [0]}


def test_lost_activity_counts_once_by_what_it_was() -> None:
    meter, lost = RecordingMeter(), {"requests": 0, "minutes": 0}
    gauges = Gauges(meter, activity=lambda: lost)
    gauges.read()
    assert meter.sums(catalog.ACTIVITY_DROPPED) == {}
    lost = {"requests": 5, "minutes": 1}
    gauges.read()
    gauges.read()
    assert meter.sums(catalog.ACTIVITY_DROPPED) == {
        series(what="requests"): 5,
        series(what="minutes"): 1,
    }


def test_the_gate_is_read_where_there_is_one() -> None:
    meter, admission = RecordingMeter(), None
    gauges = Gauges(meter, admission=lambda: admission)
    gauges.read()
    assert meter.sums(catalog.OPEN_REQUESTS) == {}
    admission = Admission(open_requests=3, limit=64)
    gauges.read()
    assert meter.sums(catalog.OPEN_REQUESTS) == {(): 3}
    assert meter.sums(catalog.ADMISSION_LIMIT) == {(): 64}


def test_breakers_are_shown_by_their_state() -> None:
    meter = RecordingMeter()
    states: dict[tuple[str, str], BreakerState] = {("minilm", "embedder"): "closed"}
    gauges = Gauges(meter, breakers=lambda: states)
    gauges.read()
    states[("minilm", "embedder")] = "open"
    gauges.read()
    place = {"target": "minilm", "stage": "embedder"}
    assert meter.values[catalog.BREAKERS.name] == {
        series(**place, state="closed"): [0],
        series(**place, state="half_open"): [0],
        series(**place, state="open"): [1],
    }


async def test_reading_goes_on_after_one_that_failed(caplog: pytest.LogCaptureFixture) -> None:
    readings, enough = 0, asyncio.Event()

    def spans() -> TraceCounts:
        nonlocal readings
        readings += 1
        if readings == 4:
            enough.set()
        if readings == 2:
            raise OSError("the spool's folder is gone")
        return replace(NOTHING, ended=readings)

    meter = RecordingMeter()
    task = asyncio.create_task(Gauges(meter, spans=spans).keep_reading(0.001))
    await enough.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    [ended] = meter.sums(catalog.SPANS).values()
    assert ended >= 4
    assert "metrics" in caplog.text


def test_evaluations_grow_by_what_was_counted_since() -> None:
    meter = RecordingMeter()
    counts = {("one", "judged"): 2, ("one", "dropped"): 1}
    gauges = Gauges(meter, evaluations=lambda: dict(counts))
    gauges.read()
    counts["one", "judged"] = 5
    gauges.read()
    assert meter.values[catalog.EVALUATIONS.name] == {
        series(release="one", outcome="judged"): [2, 3],
        series(release="one", outcome="dropped"): [1],
    }
