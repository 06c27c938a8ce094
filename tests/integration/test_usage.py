"""Usage on the shared stack: each request once, though the tracker is killed meanwhile."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.integration.cluster import CALLER_KEYS, Cluster, until

pytestmark = pytest.mark.usefixtures("guide")
QUERY = {"query": "What happens when a queue is full?"}
_KEYS = iter(CALLER_KEYS)
LOST_AT_MOST_S = 2.5
"""A report leaves about once a second; the rest is for a machine that is busy."""


class Caller:
    """A caller with an API key of its own, who sees what it used."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {next(_KEYS)}"}

    def ask(self, _: object = None) -> float:
        """Asks, and returns when the answer was there."""
        response = self._http.post("/v1/query", json=QUERY, headers=self._headers)
        assert response.status_code == 200, response.text
        return time.monotonic()

    def used(self) -> dict[str, Any]:
        """Returns the sums of what it used; nothing while the tracker is away."""
        response = self._http.get("/v1/usage", headers=self._headers)
        total: dict[str, Any] = response.json()["total"] if response.is_success else {}
        return total


@pytest.fixture
def caller(http: httpx.Client) -> Caller:
    return Caller(http)


def _kill(cluster: Cluster, application: str, deployment: str) -> None:
    for pid in cluster.pids(application, deployment).values():
        os.kill(pid, signal.SIGKILL)


def test_every_request_counts_once_though_the_tracker_is_killed(
    caller: Caller, cluster: Cluster
) -> None:
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(caller.ask) for _ in range(20)]
        asked[5].result()
        _kill(cluster, "control", "Tracker")
        for one in asked:
            one.result()
    until(lambda: caller.used().get("requests") == 20, within_s=60, what="20 requests")
    time.sleep(2)  # nothing comes twice
    used = caller.used()
    assert used["requests"] == 20
    assert used["failed"] == 0
    alone = used["prompt_tokens"] / 20
    assert alone == int(alone) > 0


def test_a_killed_gateway_loses_the_last_moment_at_most(caller: Caller, cluster: Cluster) -> None:
    until_s = time.monotonic() + 6
    ended_s = []
    while time.monotonic() < until_s:
        ended_s.append(caller.ask())
    killed_s = time.monotonic()
    _kill(cluster, "gateway", "Ingress")
    cluster.wait_ready()
    safe = sum(one < killed_s - LOST_AT_MOST_S for one in ended_s)
    assert safe > 0
    until(caller.used, within_s=30, what="usage")
    assert safe <= caller.used()["requests"] <= len(ended_s)
