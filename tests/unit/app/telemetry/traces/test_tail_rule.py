"""Which traces are kept."""

from dataclasses import replace
from typing import Any

import pytest

from app.request.notes import RequestNotes
from app.request.trace_context import trace_of
from app.settings.live.recording import Recording
from app.telemetry.requests import FinishedRequest
from app.telemetry.traces.tail_rule import reason_to_keep
from tests.unit.app.telemetry.requests import finished

NONE = Recording(sample_ratio=0.0)


def noted(**notes: Any) -> FinishedRequest:
    request = finished()
    return replace(request, notes=replace(request.notes, **notes))


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (noted(), ""),
        (replace(noted(error="internal"), status=500), "error"),
        (noted(error="backend_failed"), "error"),
        (replace(noted(), total_ms=2001.0), "slow"),
        (noted(trace_wish="keep"), "flagged"),
        (noted(arm="canary"), "canary"),
        (noted(arm="baseline"), ""),
        (replace(noted(arm="canary"), kind="shadow"), "shadow"),
        (replace(noted(error="overloaded"), status=503), ""),
        (noted(messages=(), trace_wish="keep"), "flagged"),
    ],
)
def test_what_is_special_is_kept_without_a_sample(request_: FinishedRequest, why: str) -> None:
    assert reason_to_keep(request_, NONE) == why


def test_nothing_is_kept_of_who_wants_none() -> None:
    unwanted = replace(noted(trace_wish="none", error="internal"), status=500)
    assert reason_to_keep(unwanted, Recording(allow_opt_out=True)) == ""


def test_who_may_not_opt_out_is_kept() -> None:
    unwanted = replace(noted(trace_wish="none", error="internal"), status=500)
    assert reason_to_keep(unwanted, Recording()) == "error"


def test_under_overload_refusals_leave_nothing() -> None:
    refused = replace(noted(error="overloaded"), status=503)
    assert reason_to_keep(refused, Recording()) == ""


def test_a_list_has_no_trace_unless_it_failed() -> None:
    listed = finished(RequestNotes())
    assert reason_to_keep(listed, Recording()) == ""
    assert reason_to_keep(replace(listed, status=500), Recording()) == "error"


def test_a_refusal_at_the_door_has_no_trace() -> None:
    turned_away = finished(RequestNotes(error="overloaded"), status=503)
    assert reason_to_keep(turned_away, Recording()) == ""


def test_the_sample_has_its_share_and_keeps_traces_together() -> None:
    recording = Recording(sample_ratio=0.3)
    traces = [trace_of("") for _ in range(4000)]
    kept = [bool(reason_to_keep(replace(noted(), trace=one), recording)) for one in traces]
    assert 0.26 < sum(kept) / len(kept) < 0.34
    children = [trace_of(one.traceparent()) for one in traces]
    assert kept == [
        bool(reason_to_keep(replace(noted(), trace=one), recording)) for one in children
    ]
