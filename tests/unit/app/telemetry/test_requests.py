"""How a request ended."""

from dataclasses import replace

import pytest

from app.request.attempt import AttemptRecord, StageTime
from app.request.notes import RequestNotes
from app.telemetry.requests import Outcome
from tests.unit.app.telemetry.requests import finished


@pytest.mark.parametrize(
    ("status", "error", "outcome"),
    [
        (200, "", "ok"),
        (404, "not_found", "refused"),
        (429, "rate_limited", "refused"),
        (503, "overloaded", "refused"),
        (503, "unavailable", "failed"),
        (500, "internal", "failed"),
        (200, "backend_failed", "failed"),
        (200, "overloaded", "failed"),
        (499, "", "aborted"),
    ],
)
def test_status_and_error_say_how_it_ended(status: int, error: str, outcome: Outcome) -> None:
    request = finished()
    assert (
        replace(request, status=status, notes=replace(request.notes, error=error)).outcome
        == outcome
    )


def test_a_stream_that_nobody_read_to_its_end_was_aborted() -> None:
    begun = RequestNotes(attempt=AttemptRecord(times={"generator": StageTime()}))
    assert finished(begun).outcome == "aborted"


def test_a_search_needs_no_answer() -> None:
    searched = RequestNotes(attempt=AttemptRecord(times={"retriever": StageTime()}))
    assert finished(searched).outcome == "ok"
