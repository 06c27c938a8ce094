"""What was written for another request counts as answered, and has neither times nor costs."""

from dataclasses import replace

from app.request.attempt import AttemptRecord, StageTime
from app.request.caching import CacheNote
from app.request.notes import RequestNotes
from app.request.trace_context import trace_of
from app.settings.cold.activity import ActivityArgs
from app.telemetry.activity.outbox import ActivityOutbox
from app.telemetry.pace import Pace
from app.telemetry.requests import FinishedRequest
from deployments.contracts.generation import Generation, Message

WRITTEN = Generation("Paris.", (), True, "stop", 30, 5, "gpt-4o-mini", cached_tokens=30)


def finished(outcome: str) -> FinishedRequest:
    record = AttemptRecord(
        times={"cache": StageTime(total_ms=1.0)},
        cache=CacheNote(outcome),  # type: ignore[arg-type]
    )
    notes = RequestNotes(
        release="one", messages=(Message("user", "Where?"),), attempt=record, written=WRITTEN
    )
    return FinishedRequest("id", "request", trace_of(""), "POST", "/v1/query", 200, 0, 3.0, notes)


def test_the_figures_of_a_release_count_hits_and_keep_no_times_of_them() -> None:
    outbox = ActivityOutbox("r", lambda: None, ActivityArgs(), now_s=lambda: 1e6)
    outbox.meter.take(finished("hit"))
    hit = outbox.report()
    assert hit is not None
    [minute] = hit.minutes
    assert (minute.counts.requests, minute.counts.answered, minute.counts.cache_hits) == (1, 1, 1)
    assert (minute.counts.prompt_tokens, minute.counts.cost_picousd) == (0, 0)
    assert minute.timings == {}
    [(key, usage)] = hit.usage.items()
    assert (key.model, usage.requests, usage.completion_tokens) == ("gpt-4o-mini", 1, 0)


def test_a_miss_has_times() -> None:
    outbox = ActivityOutbox("r", lambda: None, ActivityArgs(), now_s=lambda: 1e6)
    outbox.meter.take(finished("miss"))
    report = outbox.report()
    assert report is not None
    [minute] = report.minutes
    assert minute.counts.cache_hits == 0
    assert "total_ms" in minute.timings
    assert minute.counts.completion_tokens == 5


def test_hits_say_nothing_of_how_long_an_answer_takes() -> None:
    pace = Pace()
    pace.take(finished("hit"))
    assert pace.of("ragserve:one") is None
    pace.take(finished("miss"))
    assert pace.of("ragserve:one") is not None


def test_a_hit_costs_nothing_and_its_steps_do() -> None:
    notes = finished("hit").notes
    assert notes.cost_usd() == 0
    assert notes.attempt is not None
    notes.attempt.model_steps["condense"] = replace(WRITTEN, cached_tokens=0)
    assert len(notes.generations()) == 1
