"""Which metrics a finished request leaves."""

from typing import Any

import pytest

from app.request.attempt import AttemptRecord, StageTime
from app.request.notes import RequestNotes
from app.settings.live.prices import Prices, PriceTable
from app.telemetry.metrics import RequestMetrics
from app.telemetry.requests import FinishedRequest
from deployments.contracts.calls import Times
from deployments.telemetry import catalog
from deployments.telemetry.metric import Metric
from tests.recording_meter import RecordingMeter, Series, series
from tests.unit.app.telemetry.requests import attempt, finished, written

PRICES = PriceTable(
    version="1",
    models={
        "extractive": Prices(prompt_usd_per_million_tokens=2, completion_usd_per_million_tokens=8)
    },
)


@pytest.fixture
def meter() -> RecordingMeter:
    return RecordingMeter()


@pytest.fixture
def sink(meter: RecordingMeter) -> RequestMetrics:
    return RequestMetrics(meter, lambda: PRICES)


def requests_of(meter: RecordingMeter) -> Series:
    [tags] = meter.values[catalog.REQUESTS.name]
    return tags


def observed(meter: RecordingMeter, metric: Metric) -> dict[Series, list[float]]:
    return dict(meter.values[metric.name])


def test_an_answer_is_counted_and_timed(sink: RequestMetrics, meter: RecordingMeter) -> None:
    sink.take(finished())
    assert meter.sums(catalog.REQUESTS) == {
        series(
            kind="request", method="POST", route="/v1/query", outcome="ok", error="", release="one"
        ): 1.0
    }
    assert observed(meter, catalog.REQUEST_MS) == {
        series(kind="request", route="/v1/query", release="one"): [125.0]
    }
    assert {dict(tags)["stage"]: ms for tags, ms in meter.sums(catalog.STAGE_MS).items()} == {
        "embedder": 10,
        "retriever": 20,
        "reranker": 40,
        "generator": 50,
    }


def test_queue_time_is_that_of_stages_with_a_queue(
    sink: RequestMetrics, meter: RecordingMeter
) -> None:
    sink.take(finished())
    queues = {dict(tags)["stage"]: ms for tags, ms in meter.sums(catalog.STAGE_QUEUE_MS).items()}
    assert queues == {"embedder": 2, "retriever": 1, "reranker": 4}


def test_tokens_and_their_cost(sink: RequestMetrics, meter: RecordingMeter) -> None:
    sink.take(finished())
    tokens = {dict(tags)["type"]: count for tags, count in meter.sums(catalog.TOKENS).items()}
    assert tokens == {
        "prompt": 600,
        "cached": 100,
        "completion": 5,
        "embedding": 7,
        "rerank": 90,
    }
    [usd] = meter.sums(catalog.COST_USD).values()
    assert usd == pytest.approx((600 * 2 + 5 * 8) / 1e6)


def test_prices_are_those_of_the_moment(meter: RecordingMeter) -> None:
    table = PriceTable()
    sink = RequestMetrics(meter, lambda: table)
    sink.take(finished())
    assert meter.sums(catalog.COST_USD) == {}
    table = PRICES
    sink.take(finished())
    assert list(meter.sums(catalog.COST_USD)) == [series(release="one", model="extractive")]


def test_time_to_and_between_tokens(sink: RequestMetrics, meter: RecordingMeter) -> None:
    answer = written(ttft_ms=20.0, completion_tokens=11, times=Times(replica_ms=45.0))
    sink.take(finished(RequestNotes(release="one", attempt=attempt(), written=answer)))
    assert list(meter.sums(catalog.TTFT_MS).values()) == [125.0 - 50.0 + 20.0]
    assert list(meter.sums(catalog.TPOT_MS).values()) == [(45.0 - 20.0) / 10]


def test_what_is_written_at_once_has_no_time_per_token(
    sink: RequestMetrics, meter: RecordingMeter
) -> None:
    answer = written(ttft_ms=0.0)
    sink.take(finished(RequestNotes(release="one", attempt=attempt(), written=answer)))
    assert meter.sums(catalog.TTFT_MS) == meter.sums(catalog.TPOT_MS) == {}


def test_answers_are_told_apart_by_support_and_end(
    sink: RequestMetrics, meter: RecordingMeter
) -> None:
    for fields in ({}, {"grounded": False}, {"finish_reason": "length"}):
        answer = written(**fields)
        sink.take(finished(RequestNotes(release="one", attempt=attempt(), written=answer)))
    told = {"release": "one", "model": "extractive"}
    assert meter.sums(catalog.ANSWERS) == {
        series(**told, grounded="yes", finish_reason="stop"): 1,
        series(**told, grounded="no", finish_reason="stop"): 1,
        series(**told, grounded="yes", finish_reason="length"): 1,
    }


def test_a_stage_that_failed_has_no_time(sink: RequestMetrics, meter: RecordingMeter) -> None:
    work = attempt()
    work.times["reranker"].error = "deadline_exceeded"
    work.degraded.append("reranker")
    sink.take(finished(RequestNotes(release="one", attempt=work, written=written())))
    assert "reranker" not in {dict(tags)["stage"] for tags in meter.sums(catalog.STAGE_MS)}
    assert meter.sums(catalog.STAGE_ERRORS) == {
        series(stage="reranker", release="one", error="deadline_exceeded"): 1
    }
    assert meter.sums(catalog.DEGRADED) == {series(missing="reranker", release="one"): 1}


@pytest.mark.parametrize(
    ("fields", "error", "outcome"),
    [
        ({"status": 503}, "overloaded", "refused"),
        ({"status": 422}, "invalid_request", "refused"),
        ({"status": 504}, "deadline_exceeded", "failed"),
        ({"status": 499}, "", "aborted"),
    ],
)
def test_only_what_ended_ok_is_timed(
    sink: RequestMetrics,
    meter: RecordingMeter,
    fields: dict[str, Any],
    error: str,
    outcome: str,
) -> None:
    sink.take(finished(RequestNotes(error=error, release="one"), **fields))
    tags = dict(requests_of(meter))
    assert (tags["outcome"], tags["error"]) == (outcome, error)
    assert observed(meter, catalog.REQUEST_MS) == {}


def test_what_a_client_cut_short_is_no_stage_time(
    sink: RequestMetrics, meter: RecordingMeter
) -> None:
    work = AttemptRecord(times={"generator": StageTime(total_ms=3.0)})
    sink.take(finished(RequestNotes(release="one", attempt=work), status=499))
    assert observed(meter, catalog.STAGE_MS) == {}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (finished(kind="shadow"), {"kind": "shadow", "method": "POST"}),
        (finished(method="DELETE"), {"method": "DELETE"}),
        (finished(method="BREW"), {"method": "other"}),
        (finished(RequestNotes(), route="", status=404), {"route": "(no route)", "release": ""}),
    ],
)
def test_tags_take_few_values(
    sink: RequestMetrics,
    meter: RecordingMeter,
    request_: FinishedRequest,
    expected: dict[str, str],
) -> None:
    sink.take(request_)
    assert expected.items() <= dict(requests_of(meter)).items()
