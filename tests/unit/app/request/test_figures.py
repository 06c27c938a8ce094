"""What of an answer becomes evidence."""

import pytest

from app.dispatch.comparison import agreement, overlap_at_k
from app.request.attempt import AttemptRecord, StageTime
from app.request.figures import observe_answer
from app.settings.live.prices import Prices, PriceTable
from deployments.canary.metrics import METRICS, PAIRS, RATINGS
from deployments.contracts.calls import Times
from deployments.contracts.documents import Chunk
from deployments.contracts.generation import Citation, Generation
from deployments.contracts.search import ScoredChunk


def written(**fields: object) -> Generation:
    usual: dict[str, object] = {
        "text": "It is full. [1]",
        "citations": (Citation(0, 11, 1), Citation(0, 11, 1)),
        "grounded": True,
        "finish_reason": "stop",
        "prompt_tokens": 1000,
        "completion_tokens": 11,
        "model": "m",
        "ttft_ms": 50.0,
        "times": Times(replica_ms=140.0),
    }
    return Generation(**{**usual, **fields})  # type: ignore[arg-type]


def attempt(**times: StageTime) -> AttemptRecord:
    return AttemptRecord(times=dict(times))


SPENT = {
    "embedder": StageTime(total_ms=10, queue_ms=2),
    "generator": StageTime(total_ms=150, queue_ms=5),
}


def hits(*names: str) -> list[ScoredChunk]:
    return [
        ScoredChunk(Chunk(name, name.split("#")[0], 0, name, "p", "t"), 1.0, rank)
        for rank, name in enumerate(names, start=1)
    ]


def test_every_metric_of_requests_is_observed() -> None:
    prices = PriceTable(models={"m": Prices(prompt_usd_per_million_tokens=1.0)})
    values = observe_answer(written(), attempt(**SPENT), total_ms=200.0, prices=prices)
    measured = {name for name, metric in METRICS.items() if not metric.source} - PAIRS - RATINGS
    assert set(values) == measured


def test_times_are_those_of_the_caller() -> None:
    values = observe_answer(written(), attempt(**SPENT), total_ms=200.0, prices=PriceTable())
    assert values["total_ms"] == 200
    assert values["queue_ms"] == 7
    assert values["ttft_ms"] == 200 - 150 + 50
    assert values["tpot_ms"] == pytest.approx((140 - 50) / 10)
    assert "cost" not in values


@pytest.mark.parametrize(
    ("fields", "metric", "value"),
    [
        ({"finish_reason": "length"}, "truncated", 1.0),
        ({"finish_reason": "content_filter"}, "blocked", 1.0),
        ({"grounded": False}, "refused", 1.0),
        ({}, "citations", 1.0),
        ({"citations": ()}, "citations", 0.0),
        ({}, "completion_tokens", 11.0),
    ],
)
def test_flaws_are_seen(fields: dict[str, object], metric: str, value: float) -> None:
    values = observe_answer(
        written(**fields), attempt(**SPENT), total_ms=200.0, prices=PriceTable()
    )
    assert values[metric] == value


def test_an_answer_without_a_stage_is_degraded() -> None:
    done = AttemptRecord(times=dict(SPENT), degraded=["reranker"])
    assert observe_answer(written(), done, total_ms=1.0, prices=PriceTable())["degraded"] == 1.0


def test_what_is_written_at_once_has_no_time_per_token() -> None:
    at_once = written(times=Times(replica_ms=50.2))
    values = observe_answer(at_once, attempt(**SPENT), total_ms=200.0, prices=PriceTable())
    assert "tpot_ms" not in values
    assert "ttft_ms" in values


def test_an_engine_without_tokens_has_no_token_times() -> None:
    values = observe_answer(
        written(ttft_ms=0.0), attempt(**SPENT), total_ms=200.0, prices=PriceTable()
    )
    assert "ttft_ms" not in values
    assert "tpot_ms" not in values


def test_cost_is_that_of_both_kinds_of_tokens() -> None:
    price = Prices(prompt_usd_per_million_tokens=2.0, completion_usd_per_million_tokens=10.0)
    prices = PriceTable(models={"m": price})
    values = observe_answer(written(), attempt(**SPENT), total_ms=1.0, prices=prices)
    assert values["cost"] == pytest.approx((1000 * 2 + 11 * 10) / 1e6)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (["a#0", "b#0"], ["b#0", "a#0"], 1.0),
        (["a#0", "b#0"], ["a#0", "c#0", "d#0", "e#0"], 0.25),
        (["a#0", "b#0"], ["a#1", "c#1"], 0.5),
        (["a#0"], ["z#0"], 0.0),
        (["a#0"], [], 0.0),
        ([], [], None),
    ],
    ids=[
        "same",
        "one-of-four",
        "other-chunks-of-a-document",
        "none",
        "nothing-found",
        "both-empty",
    ],
)
def test_overlap(first: list[str], second: list[str], expected: float | None) -> None:
    assert overlap_at_k(hits(*first), hits(*second)) == expected
    assert overlap_at_k(hits(*second), hits(*first)) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("A b c.", "a B, C", 1.0),
        ("a b", "c d", 0.0),
        ("a a b", "a b b", 2 / 3),
        ("", "", 1.0),
        ("a", "", 0.0),
    ],
)
def test_agreement(first: str, second: str, expected: float) -> None:
    assert agreement(first, second) == pytest.approx(expected)
