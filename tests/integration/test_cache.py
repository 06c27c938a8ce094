"""Answers that are given again, while documents change and with two replicas of the retriever."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from app.cache.stores.operations import CLOCKS_DIFFER_S
from benchmarks.cache_study.latency import HEADER
from benchmarks.cache_study.staleness import look_for_stale_answers
from tests.integration.cluster import Cluster, until
from tests.openai_peer import OpenAIPeer

pytestmark = pytest.mark.long
EQUAL = [
    "What does Retry-After say?",
    "what does retry-after say",
    "Hello, what does Retry-After say, please?",
    "WHAT DOES RETRY-AFTER SAY",
]
SAME = "Can you tell me what Retry-After says?"
AT_ONCE = 100
HITS = int(os.environ.get("RAGSERVE_CACHE_HITS", "300"))
"""Of which none may be stale; more of them take longer."""


@pytest.fixture(scope="module")
def caching(cluster: Cluster, guide: str) -> Iterator[Cluster]:
    """The stack with a cache and two replicas of the retriever; as it was afterwards."""
    config = cluster.config()
    live = config["applications"][0]["deployments"][0]["user_config"]
    releases = live["releases"]
    releases["minilm-extractive"]["cache"] = {"answer": True}
    kept = {"answer": True, "sampling": "any", "semantic": "verified"}
    releases["steady-cached"] = releases["steady"] | {"cache": kept}
    [retriever] = [
        one for one in config["applications"][1]["deployments"] if one["name"] == "Retriever"
    ]
    retriever["autoscaling_config"] |= {"min_replicas": 2, "max_replicas": 2}
    cluster.deploy(config)
    until(
        lambda: len(cluster.pids(deployment="Retriever")) == 2,
        within_s=90,
        what="two replicas of the retriever",
    )
    until(lambda: outcome(cluster, EQUAL[0]) != "", within_s=60, what="the release has a cache")
    yield cluster
    cluster.deploy(cluster.config())
    until(
        lambda: len(cluster.pids(deployment="Retriever")) == 1,
        within_s=60,
        what="one replica of the retriever",
    )
    cluster.wait_ready()


def ask(cluster: Cluster, question: str) -> httpx.Response:
    """Returns the answer; a service that is full is asked again in a moment, as clients do."""
    body = {
        "model": "ragserve:steady-cached",
        "messages": [{"role": "user", "content": question}],
    }
    until_s = time.monotonic() + 30
    while True:
        response = httpx.post(f"{cluster.url}/v1/chat/completions", json=body, timeout=30)
        if response.status_code != 503 or time.monotonic() > until_s:
            return response
        time.sleep(0.2)


def outcome(cluster: Cluster, question: str) -> str:
    """Returns what the cache made of a question; empty where the release has none."""
    return str(ask(cluster, question).headers.get(HEADER, ""))


def test_no_hit_is_older_than_a_write_before_it(caching: Cluster) -> None:
    async def look() -> dict[str, Any]:
        async with httpx.AsyncClient(base_url=caching.url, timeout=30) as service:
            return await look_for_stale_answers(
                service, hits=HITS, clients=4, every_s=0.3, timeout_s=60
            )

    seen = asyncio.run(look())
    assert seen["stale"] == 0, seen
    assert seen["hits"] >= HITS, seen
    assert seen["writes"] >= 5, seen


def test_equal_requests_at_once_are_one_call_of_the_generator(
    caching: Cluster, openai_peer: OpenAIPeer
) -> None:
    # The documents are as they were before this: an answer from another state is for nobody else.
    until(lambda: outcome(caching, EQUAL[0]) == "hit", within_s=20, what="documents rest")
    operator = (caching.home / "admin_key").read_text().strip()
    httpx.delete(
        f"{caching.url}/admin/cache", headers={"Authorization": f"Bearer {operator}"}, timeout=30
    ).raise_for_status()
    # What may have begun before the deletion, by another machine's clock, is not kept.
    time.sleep(CLOCKS_DIFFER_S + 0.1)
    before = len(openai_peer.requests)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        questions = [EQUAL[place % len(EQUAL)] for place in range(AT_ONCE)]
        answers = list(pool.map(lambda question: ask(caching, question), questions))
    assert {one.status_code for one in answers} == {200}
    assert len({one.json()["choices"][0]["message"]["content"] for one in answers}) == 1
    written = [one for one in openai_peer.requests[before:] if one.body["model"] == "steady"]
    outcomes = Counter(one.headers[HEADER] for one in answers)
    assert (len(written), outcomes) == (1, {"miss": 1, "hit": AT_ONCE - 1})


def test_the_same_question_in_other_words_is_given_the_answer(
    caching: Cluster, openai_peer: OpenAIPeer
) -> None:
    first = ask(caching, EQUAL[0])
    before = len(openai_peer.requests)
    again = ask(caching, SAME)
    assert again.headers[HEADER] == "hit"
    assert again.headers["x-ragserve-cache-match"] == "verified"
    text = first.json()["choices"][0]["message"]["content"]
    assert again.json()["choices"][0]["message"]["content"] == text
    assert len(openai_peer.requests) == before
    assert outcome(caching, "Can you tell me what Retry-After does not say?") == "miss"
