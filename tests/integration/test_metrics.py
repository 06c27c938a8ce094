"""The metrics that Prometheus would find, after requests that were counted here."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from deployments.telemetry.catalog import (
    ACTIVITY_DROPPED,
    BATCH_PADDING,
    BUDGET_EVENTS,
    CACHE_BYTES,
    CACHE_FAILED,
    CACHE_REQUESTS,
    DRIFT_COMPARISONS,
    EVERY_METRIC,
    LIMITS_FAILED,
    MODERATION,
)
from tests.integration.cluster import Cluster, free_port, until
from tests.integration.scraping import scrape, value

QUESTION = "What does a release name?"
ANSWERS, HASTY, SEARCHES = 7, 3, 5
EXPORT_S = 30
"""Ray sends every 10 s, from each process at a time of its own."""
NOT_HERE = (
    *(BATCH_PADDING, ACTIVITY_DROPPED, LIMITS_FAILED, BUDGET_EVENTS, DRIFT_COMPARISONS),
    *(CACHE_REQUESTS, CACHE_BYTES, CACHE_FAILED, MODERATION),  # no release has them
)


@pytest.fixture(scope="module")
def metered(cluster: Cluster, guide: str) -> Iterator[Cluster]:
    """The stack with releases of its own, prices, and spans that go nowhere; as it was
    afterwards."""
    config = cluster.config()
    gateway = config["applications"][0]
    gateway["args"]["tracing"] = {
        "otlp_url": f"http://127.0.0.1:{free_port()}/v1/traces",
        "spool_dir": str(cluster.home / "metered-spool"),
        # Most spans of a request find no room.
        "queue_spans": 2,
        "batch_spans": 1,
    }
    live = gateway["deployments"][0]["user_config"]
    usual = live["releases"]["minilm-extractive"] | {"generator": "generator-steady"}
    live["releases"] |= {"metered": usual, "hasty": usual | {"rerank_timeout_s": 0.001}}
    live["prices"] = {
        "version": "test",
        "models": {"steady": {"prompt_usd_per_million_tokens": 1e6}},
    }
    cluster.deploy(config)

    def answers() -> bool:
        with httpx.Client(base_url=cluster.url, headers=by_operator(cluster, "metered")) as http:
            return http.post("/v1/search", json={"query": "x"}, timeout=20).status_code == 200

    until(answers, within_s=90, what="a search by the new release")
    yield cluster
    cluster.deploy(cluster.config())
    cluster.wait_ready()


def by_operator(cluster: Cluster, release: str) -> dict[str, str]:
    key = (cluster.home / "admin_key").read_text().strip()
    return {"Authorization": f"Bearer {key}", "X-Ragserve-Release": release}


def ask(cluster: Cluster, release: str, path: str, body: dict[str, Any], times: int) -> list[Any]:
    with httpx.Client(base_url=cluster.url, headers=by_operator(cluster, release)) as http:
        answers = [http.post(path, json=body, timeout=30) for _ in range(times)]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json() for answer in answers]


def ask_too_much(cluster: Cluster) -> None:
    """Has a request refused by the limit of its key."""
    operator = {"Authorization": by_operator(cluster, "metered")["Authorization"]}
    with httpx.Client(base_url=cluster.url, timeout=30) as http:
        bounded = {"limits": {"requests_per_min": 1}}
        made = http.post("/admin/keys", json=bounded, headers=operator).json()
        key = {"X-API-Key": made["secret"]}
        answers = [http.get("/v1/models", headers=key).status_code for _ in range(2)]
    assert answers == [200, 429]


def test_the_exporter_has_every_metric_and_counts_what_was_asked(metered: Cluster) -> None:
    searched = {"kind": "request", "route": "/v1/search", "release": "metered"}
    answered = searched | {"route": "/v1/query"}
    # Both, because a scrape may fall between two metrics of the same export.
    for metric, labels in (
        ("ray_ragserve_requests_total", searched),
        ("ray_ragserve_stage_ms_count", {"stage": "embedder", "release": "metered"}),
    ):
        until(
            lambda metric=metric, labels=labels: value(scrape(metered), metric, **labels),  # type: ignore[misc]
            within_s=EXPORT_S,
            what="the search that waited for the release",
        )
    before = scrape(metered)
    left_open = {"model": "auto", "messages": [{"role": "user", "content": QUESTION}]}
    ask(metered, "steady", "/v1/chat/completions", left_open, 1)
    answers = ask(metered, "metered", "/v1/query", {"query": QUESTION}, ANSWERS)
    ask(metered, "metered", "/v1/search", {"query": QUESTION}, SEARCHES)
    ask_too_much(metered)
    degraded = ask(metered, "hasty", "/v1/query", {"query": QUESTION}, HASTY)
    assert all(answer["degraded"] == ["reranker"] for answer in degraded)

    names = {
        name
        for metric in EVERY_METRIC
        # What packs texts, as the CPU's fastest way does, pads none; nothing is lost here, nobody
        # has a budget, and no day ends meanwhile.
        if metric not in NOT_HERE
        for name in metric.exported
    }

    def is_exported() -> bool:
        now = scrape(metered)
        counts = ("ray_ragserve_requests_total", "ray_ragserve_request_ms_count")
        seen = all(value(now, metric, release="hasty") == HASTY for metric in counts)
        return seen and names <= {name for name, _ in now}

    with suppress(AssertionError):  # what is missing says more
        until(is_exported, within_s=EXPORT_S, what="everything is exported")
    after = scrape(metered)
    missing = names - {name for name, _ in after}
    assert missing == set()

    def grown(metric: str, **labels: str) -> float:
        return value(after, metric, **labels) - value(before, metric, **labels)

    requests = "ray_ragserve_requests_total"
    assert grown(requests, **answered, outcome="ok") == ANSWERS
    assert grown(requests, **searched, outcome="ok") == SEARCHES
    assert grown(requests, release="hasty", outcome="ok") == HASTY
    assert grown("ray_ragserve_request_ms_count", **answered) == ANSWERS
    for stage in ("embedder", "retriever", "reranker"):
        stages = grown("ray_ragserve_stage_ms_count", stage=stage, release="metered")
        assert stages == ANSWERS + SEARCHES
    assert grown("ray_ragserve_stage_ms_count", stage="generator", release="metered") == ANSWERS
    assert grown("ray_ragserve_degraded_total", release="hasty", missing="reranker") == HASTY
    assert grown("ray_ragserve_stage_errors_total", release="hasty", stage="reranker") == HASTY
    assert grown("ray_ragserve_ttft_ms_count", release="metered") == ANSWERS
    prompt_tokens = sum(answer["usage"]["prompt_tokens"] for answer in answers)
    assert grown("ray_ragserve_tokens_total", release="metered", type="prompt") == prompt_tokens
    assert grown("ray_ragserve_cost_usd_total", release="metered") == pytest.approx(prompt_tokens)
    assert grown("ray_ragserve_stage_ms_sum", stage="embedder", release="metered") > 0
