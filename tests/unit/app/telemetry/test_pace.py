"""How long answers took lately."""

from dataclasses import replace

import pytest

from app.request.notes import RequestNotes
from app.telemetry.pace import Pace
from app.telemetry.requests import FinishedRequest
from tests.clock import Clock
from tests.unit.app.telemetry.requests import finished, written


def of_release(total_ms: float, release: str = "one") -> FinishedRequest:
    usual = finished()
    usual.notes.release = release
    return replace(usual, total_ms=total_ms)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock)


def test_a_release_has_the_times_of_its_answers(pace: Pace, clock: Clock) -> None:
    for number in range(100):
        pace.take(of_release(number))
    clock.now_s += 10
    figures = pace.of("ragserve:one")
    assert figures is not None
    assert (figures.p50_ms, figures.p95_ms, figures.idle_s) == (50, 95, 10)
    assert (figures.prompt_tokens, figures.completion_tokens) == (600, 5)
    assert pace.of("ragserve:two") is None


def test_a_generator_under_its_own_name_has_its_own(pace: Pace) -> None:
    for _ in range(5):
        pace.take(finished(RequestNotes(written=written(model="llama")), total_ms=7.0))
    assert pace.of("llama") is not None
    assert pace.of("ragserve:one") is None


def test_few_answers_tell_nothing_but_that_there_were_some(pace: Pace) -> None:
    for _ in range(4):
        pace.take(of_release(10))
    figures = pace.of("ragserve:one")
    assert figures is not None
    assert (figures.p50_ms, figures.p95_ms) == (None, None)


def test_what_was_slow_is_forgotten_after_five_minutes(pace: Pace, clock: Clock) -> None:
    for _ in range(10):
        pace.take(of_release(9_000))
    clock.now_s += 200
    for _ in range(10):
        pace.take(of_release(10))
    clock.now_s += 101
    figures = pace.of("ragserve:one")
    assert figures is not None
    assert figures.p95_ms == 10
    clock.now_s += 300
    assert pace.of("ragserve:one") is None


def test_the_last_answers_count_however_many_there_are(pace: Pace) -> None:
    for total_ms in (9_000,) * 1_000 + (10,) * 256:
        pace.take(of_release(total_ms))
    figures = pace.of("ragserve:one")
    assert figures is not None
    assert figures.p95_ms == 10


def test_an_answer_that_came_too_late_was_slow_and_other_failures_say_nothing(pace: Pace) -> None:
    late = RequestNotes(release="one", error="deadline_exceeded")
    gone = RequestNotes(release="one", error="stage_failed")
    for _ in range(5):
        pace.take(finished(late, status=504, total_ms=30_000.0))
        pace.take(finished(gone, status=502, total_ms=1.0))
    figures = pace.of("ragserve:one")
    assert figures is not None
    assert figures.p50_ms == 30_000


def test_what_nobody_waits_for_and_searches_are_no_answers(pace: Pace) -> None:
    for _ in range(5):
        pace.take(replace(of_release(10), kind="shadow"))
        pace.take(replace(of_release(10), kind="line"))
        pace.take(finished(RequestNotes(release="one")))
    assert pace.of("ragserve:one") is None


def test_names_are_bounded(pace: Pace) -> None:
    for number in range(2_000):
        pace.take(of_release(10, f"r{number}"))
    assert pace.of("ragserve:r1999") is None
    assert pace.of("ragserve:r0") is not None
