"""What a request adds to usage and to its release: everything known of it, and nothing twice."""

import math
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.request.attempt import AttemptRecord, StageTime
from app.request.caching import CacheNote
from app.request.notes import RequestNotes
from app.settings.cold.activity import ActivityArgs
from app.settings.live.feedback import FeedbackSettings
from app.settings.live.gateway import GatewayLive
from app.settings.live.prices import Prices, PriceTable
from app.settings.live.recording import Recording
from app.settings.live.release import Release
from app.telemetry.activity.meter import day_of
from app.telemetry.activity.outbox import ActivityOutbox
from app.telemetry.requests import FinishedRequest
from deployments.activity import (
    ActivityReport,
    GivenAnswer,
    MinuteCounts,
    Usage,
    UsageKey,
    fingerprint,
)
from deployments.assessments.contract import AssessmentName
from deployments.canary.recording import bucket_of
from deployments.contracts.erasure import user_mark
from deployments.contracts.generation import Started, TextDelta
from deployments.contracts.search import Signals
from tests.unit.app.telemetry.requests import STARTED_NS, attempt, finished, written

KEY = "0123456789ab"
PRICES = PriceTable(
    version="2026-11",
    models={
        "extractive": Prices(
            prompt_usd_per_million_tokens=2.0,
            cached_usd_per_million_tokens=0.5,
            completion_usd_per_million_tokens=8.0,
        )
    },
)
LIVE = GatewayLive(
    releases={
        "one": Release(retrieval="r", generator=("g",)),
        "two": Release(retrieval="r", generator=("h",)),
    },
    traffic={"one": 1.0},
    prices=PRICES,
)
DAY = day_of(STARTED_NS / 1e9)
MINUTE = STARTED_NS // 60_000_000_000
COST = (500 * 2_000_000 + 100 * 500_000) + 5 * 8_000_000


class Gateway:
    """A meter and what it tells, under settings that may change."""

    def __init__(self, live: GatewayLive | None = LIVE, **args: Any) -> None:
        self.live = live
        self.now_s = STARTED_NS / 1e9
        self.outbox = ActivityOutbox(
            "one", lambda: self.live, ActivityArgs(**args), now_s=lambda: self.now_s
        )

    def told(self, *requests: FinishedRequest, last: bool = False) -> ActivityReport | None:
        for request in requests:
            self.outbox.meter.take(request)
        report = self.outbox.report(last=last)
        self.outbox.answered()
        return report


def report_of(*requests: FinishedRequest, live: GatewayLive | None = LIVE) -> ActivityReport:
    report = Gateway(live).told(*requests, last=True)
    assert report is not None
    return report


def notes(**fields: Any) -> RequestNotes:
    return replace(finished().notes, **fields)


def searched(**fields: Any) -> AttemptRecord:
    vector = np.array([[0.25, -0.5, 1.0]], dtype=np.float32)
    return replace(attempt(), query_vector=vector, **fields)


def test_an_answer_is_counted_with_all_its_tokens() -> None:
    report = report_of(finished(), finished())
    key = UsageKey(DAY, KEY, "one", "extractive", "2026-11")
    assert report.usage == {
        key: Usage(
            requests=2,
            prompt_tokens=1200,
            cached_tokens=200,
            completion_tokens=10,
            embedding_tokens=14,
            rerank_tokens=180,
            cost_picousd=2 * COST,
        )
    }
    (minute,) = report.minutes
    assert (minute.release, minute.minute) == ("one", MINUTE)
    assert minute.counts == MinuteCounts(
        requests=2,
        answered=2,
        prompt_tokens=1200,
        cached_tokens=200,
        completion_tokens=10,
        cost_picousd=2 * COST,
    )
    vector = LIVE.releases["one"].model_dump(mode="json")
    assert minute.fingerprint == fingerprint(vector)
    assert report.vectors == {minute.fingerprint: vector}
    p50 = {name: sketch.quantile(0.5) for name, sketch in minute.timings.items()}
    assert p50 == {
        "embedder_ms": pytest.approx(10, rel=0.01),
        "retriever_ms": pytest.approx(20, rel=0.01),
        "reranker_ms": pytest.approx(40, rel=0.01),
        "generator_ms": pytest.approx(50, rel=0.01),
        "total_ms": pytest.approx(125, rel=0.01),
        "queue_ms": pytest.approx(7, rel=0.01),
        "ttft_ms": pytest.approx(105, rel=0.01),
    }


def test_prices_are_those_in_force_when_a_request_ends() -> None:
    gateway = Gateway()
    gateway.outbox.meter.take(finished())
    dearer = Prices(prompt_usd_per_million_tokens=4.0)
    new = PriceTable(version="2026-12", models={"extractive": dearer})
    gateway.live = LIVE.model_copy(update={"prices": new})
    report = gateway.told(finished())
    assert report is not None
    costs = {key.prices: usage.cost_picousd for key, usage in report.usage.items()}
    assert costs == {"2026-11": COST, "2026-12": 600 * 4_000_000}


@pytest.mark.parametrize("live", [LIVE, None], ids=["unknown-model", "no-settings"])
def test_a_model_without_a_price_costs_nothing(live: GatewayLive | None) -> None:
    report = report_of(finished(notes(written=written(model="other"))), live=live)
    ((key, usage),) = report.usage.items()
    assert (key.model, usage.cost_picousd, usage.prompt_tokens) == ("other", 0, 600)
    assert key.prices == ("" if live is None else "2026-11")


@pytest.mark.parametrize(
    ("request_", "counted"),
    [
        (finished(notes(error="internal", written=None), status=500), {"failed": 1}),
        (finished(notes(error="deadline_exceeded", written=None), status=504), {"failed": 1}),
        (finished(notes(written=None), status=499), {"aborted": 1}),
        (finished(notes(written=None), status=200), {"aborted": 1}),
        (finished(notes(error="overloaded", written=None), status=503), {"rejected": 1}),
    ],
    ids=["failed", "late", "left", "left-in-the-stream", "overloaded"],
)
def test_what_was_not_answered_counts_with_the_tokens_that_are_known(
    request_: FinishedRequest, counted: dict[str, int]
) -> None:
    report = report_of(request_)
    ((key, usage),) = report.usage.items()
    assert key == UsageKey(DAY, KEY, "one", "", "2026-11")
    failed = counted.get("failed", 0)
    assert usage == Usage(requests=1, failed=failed, embedding_tokens=7, rerank_tokens=90)
    (minute,) = report.minutes
    assert minute.counts == MinuteCounts(requests=1, **counted)
    assert minute.timings == {}, "failing at once is not being fast"


def test_answers_say_what_is_wrong_with_them() -> None:
    report = report_of(
        finished(notes(written=written(grounded=False))),
        finished(notes(written=written(finish_reason="length"))),
        finished(notes(written=written(finish_reason="content_filter"))),
        finished(notes(attempt=replace(attempt(), degraded=["reranker"]))),
    )
    counts = report.minutes[0].counts
    assert (counts.answered, counts.ungrounded, counts.truncated, counts.degraded) == (4, 1, 1, 1)
    assert counts.blocked == 1


def test_what_reached_nothing_is_not_counted() -> None:
    nothing = finished(RequestNotes(key_id=KEY, error="invalid_request"), status=422)
    batch = finished(RequestNotes(key_id=KEY), route="/v1/batch")
    assert Gateway().told(nothing, batch) is None


def test_a_generator_under_its_own_name_is_usage_of_no_release() -> None:
    report = report_of(finished(notes(release="", attempt=None)))
    assert [(key.release, key.model) for key in report.usage] == [("", "extractive")]
    assert report.minutes == ()


@pytest.mark.parametrize("status", [504, 499])
def test_a_generator_under_its_own_name_counts_though_it_did_not_answer(status: int) -> None:
    request = finished(notes(release="", written=None), status=status)
    (used,) = report_of(request).usage.values()
    assert (used.requests, used.failed) == (1, int(status == 504))


def test_what_a_canary_did_in_vain_has_tokens_and_is_no_request() -> None:
    report = report_of(finished(notes(release="two", error="internal"), kind="attempt", status=500))
    (used,) = report.usage.values()
    assert (used.requests, used.failed, used.embedding_tokens) == (0, 0, 7)
    (minute,) = report.minutes
    assert (minute.release, minute.counts.requests, minute.counts.failed) == ("two", 1, 1)


def test_a_stream_that_was_broken_off_has_the_tokens_that_came() -> None:
    asked = notes(written=None)
    asked.hear([Started("extractive", 500, 100)])
    asked.hear([TextDelta("a", 30), TextDelta("b", 12)])
    (used,) = report_of(finished(asked)).usage.values()
    assert (used.prompt_tokens, used.cached_tokens, used.completion_tokens) == (500, 100, 42)


def test_the_query_that_a_model_wrote_is_counted_with_the_answer() -> None:
    asked = notes()
    assert asked.attempt is not None
    asked.attempt.model_steps["condense"] = written(
        prompt_tokens=40, cached_tokens=0, completion_tokens=3
    )
    (used,) = report_of(finished(asked)).usage.values()
    assert (used.requests, used.prompt_tokens, used.completion_tokens) == (1, 640, 8)


def test_a_repetition_in_shadow_is_usage_alone() -> None:
    report = report_of(finished(kind="shadow"), finished(kind="item"))
    assert sum(usage.requests for usage in report.usage.values()) == 2
    assert [minute.counts.requests for minute in report.minutes] == [1]


def test_texts_that_a_client_has_embedded_are_usage_alone() -> None:
    own = AttemptRecord(times={"embedder": StageTime(10.0)}, embedding_tokens=40)
    embedded = RequestNotes(key_id=KEY, usage_key=KEY, release="one", attempt=own)
    report = report_of(finished(embedded, route="/v1/embeddings"))
    assert [usage.embedding_tokens for usage in report.usage.values()] == [40]
    assert report.minutes == ()


def test_a_stage_that_failed_has_no_time() -> None:
    times = {**attempt().times, "reranker": StageTime(900.0, error="unavailable")}
    report = report_of(finished(notes(attempt=replace(attempt(), times=times))))
    assert "reranker_ms" not in report.minutes[0].timings
    assert "total_ms" in report.minutes[0].timings


def test_other_parameters_under_the_same_name_are_told_apart() -> None:
    gateway = Gateway()
    gateway.outbox.meter.take(finished())
    changed = {**LIVE.releases, "one": LIVE.releases["one"].model_copy(update={"top_k": 7})}
    gateway.live = LIVE.model_copy(update={"releases": changed})
    report = gateway.told(finished())
    assert report is not None
    assert [report.vectors[one.fingerprint]["top_k"] for one in report.minutes] == [40, 7]
    gateway.live = LIVE.model_copy(update={"traffic": {"two": 1.0}})
    again = gateway.told(finished())
    assert again is not None
    assert again.minutes[0].fingerprint == report.minutes[0].fingerprint


def test_a_query_is_sampled_by_its_embedding() -> None:
    (sample,) = report_of(finished(notes(attempt=searched()))).samples
    assert np.frombuffer(sample.vector, "<f2").tolist() == [0.25, -0.5, 1.0]
    assert (sample.release, sample.dimension, sample.grounded) == ("one", 3, True)
    assert sample.top_score == pytest.approx(0.7)
    assert sample.answer_words == 4
    assert sample.at_s == pytest.approx(STARTED_NS / 1e9 + 0.125)


def test_without_a_judgement_the_cosine_is_the_top_score() -> None:
    found = searched()
    unranked = replace(found.hits[0], signals=Signals(dense=0.4))
    (sample,) = report_of(finished(notes(attempt=replace(found, hits=(unranked,))))).samples
    assert sample.top_score == pytest.approx(0.4)


def test_scores_of_another_kind_are_left_out() -> None:
    degraded = searched(degraded=["reranker"])
    report = report_of(
        finished(notes(attempt=degraded)), finished(notes(attempt=searched(hits=())))
    )
    assert [one.top_score for one in report.samples] == [None, None]


@pytest.mark.parametrize(
    ("fields", "recording"),
    [
        ({"trace_wish": "none"}, Recording()),
        ({}, Recording(content="none")),
        ({}, Recording(content="hash")),
        ({}, Recording(content="full", content_by_key={KEY: "hash"})),
    ],
    ids=["opted-out", "none", "hash", "key"],
)
def test_no_embedding_is_kept_of_what_may_not_be_kept(
    fields: dict[str, Any], recording: Recording
) -> None:
    live = LIVE.model_copy(update={"recording": recording})
    report = report_of(finished(notes(attempt=searched(), **fields)), live=live)
    assert report.samples == ()
    assert len(report.minutes) == 1


def test_a_sample_is_bounded_and_waits_for_its_minute() -> None:
    gateway = Gateway(samples_per_minute=5)
    asked = [finished(notes(attempt=searched()), total_ms=float(number)) for number in range(200)]
    report = gateway.told(*asked)
    assert report is not None
    assert report.samples == ()
    gateway.now_s += 60
    report = gateway.told()
    assert report is not None
    assert (report.usage, report.minutes) == ({}, ())
    assert len({sample.at_s for sample in report.samples}) == 5


def test_every_query_has_the_same_chance() -> None:
    kept = [0] * 10
    for _ in range(400):
        gateway = Gateway(samples_per_minute=2)
        asked = [finished(notes(attempt=searched()), total_ms=float(one)) for one in range(10)]
        report = gateway.told(*asked, last=True)
        assert report is not None
        for sample in report.samples:
            kept[round((sample.at_s - STARTED_NS / 1e9) * 1e3)] += 1
    assert sum(kept) == 800
    assert min(kept) > 40, "80 are expected, with a standard deviation of 8"


def test_a_day_begins_at_midnight_utc() -> None:
    assert [day_of(at_s) for at_s in (1_700_006_399.9, 1_700_006_400.0)] == [
        "2023-11-14",
        "2023-11-15",
    ]


def test_it_takes_microseconds() -> None:
    gateway = Gateway()
    request = finished(notes(attempt=searched()))
    for _ in range(500):
        gateway.outbox.meter.take(request)
    least_s = math.inf
    for _ in range(20):
        begun_s = time.thread_time()
        for _ in range(100):
            gateway.outbox.meter.take(request)
        least_s = min(least_s, time.thread_time() - begun_s)
    assert least_s / 100 < 200e-6, "about 15 us on one core"


def answers_of(*requests: FinishedRequest, live: GatewayLive | None = LIVE) -> list[GivenAnswer]:
    report = Gateway(live).told(*requests, last=True)
    return [] if report is None else list(report.answers)


def tried(**fields: Any) -> RequestNotes:
    usual = {"arm": "canary", "rollout": "ro", "tried": "one", "sticky_key": "zoe", "user": "zoe"}
    return notes(**(usual | fields))


def test_an_answer_can_be_found_again_by_its_id() -> None:
    (answer,) = answers_of(finished(tried(tenant="acme", conversation="conv_1")))
    assert answer == GivenAnswer(
        tenant="acme",
        request_id="r-1",
        at_s=STARTED_NS / 1e9 + 0.125,
        release="one",
        fingerprint=fingerprint(LIVE.releases["one"].model_dump(mode="json")),
        trace_id=f"{0xABC << 64 | 0xDEF:032x}",
        rollout="ro",
        arm="canary",
        bucket=bucket_of("zoe"),
        conversation="conv_1",
        user_mark=user_mark("acme", "zoe"),
    )
    assert answer.minute == MINUTE


@pytest.mark.parametrize(
    "other",
    [
        tried(release="two"),
        tried(tried=""),
        tried(arm=None),
        tried(attempt=replace(attempt(), cache=CacheNote("hit", "answer"))),
    ],
    ids=["stable in its place", "shadow", "no arm", "cached"],
)
def test_what_another_says_is_no_evidence_of_an_arm(other: RequestNotes) -> None:
    (answer,) = answers_of(finished(other))
    assert (answer.rollout, answer.arm, answer.bucket) == ("", "", 0)


@pytest.mark.parametrize(
    ("request_", "count"),
    [
        (finished(kind="item"), 1),
        (finished(kind="line"), 1),
        (finished(kind="shadow"), 0),
        (finished(kind="attempt"), 0),
        (finished(notes(written=None)), 0),
        (finished(notes(release="")), 1),
    ],
    ids=["item", "line", "shadow", "attempt", "unanswered", "direct"],
)
def test_only_answers_that_somebody_reads_can_be_rated(
    request_: FinishedRequest, count: int
) -> None:
    assert len(answers_of(request_)) == count


def test_an_answer_whose_trace_is_not_kept_names_none() -> None:
    quiet = LIVE.model_copy(update={"recording": Recording(sample_ratio=0.0)})
    assert [one.trace_id for one in answers_of(finished(), live=quiet)] == [""]
    off = LIVE.model_copy(update={"feedback": FeedbackSettings(enabled=False)})
    assert answers_of(finished(), live=off) == []


def test_the_oldest_answers_go_where_there_is_no_room() -> None:
    gateway = Gateway(waiting_answers=2)
    report = gateway.told(*[replace(finished(), request_id=f"r{number}") for number in range(5)])
    assert report is not None
    assert [one.request_id for one in report.answers] == ["r3", "r4"]
    assert gateway.outbox.dropped()["answers"] == 3


def test_a_judgement_is_among_the_figures_of_the_answers_minute() -> None:
    gateway = Gateway()
    gateway.told(finished())
    scores: dict[AssessmentName, float] = {"groundedness": 0.75, "relevance": 0.5}
    gateway.outbox.meter.note_judgement(
        finished(), scores, source="code", source_id="minilm", at_s=5.0
    )
    report = gateway.told()
    assert report is not None
    (minute,) = report.minutes
    assert minute.minute == MINUTE
    assert minute.counts == MinuteCounts(
        judged=1, groundedness_thousandths=750, relevance_thousandths=500
    )
    assert minute.fingerprint in report.vectors
    assert [(one.name, one.score, one.source_id) for one in report.judgements] == [
        ("groundedness", 0.75, "minilm"),
        ("relevance", 0.5, "minilm"),
    ]
    assert len({one.id for one in report.judgements}) == 2
    assert report.judgements[0].request_id == "r-1"
