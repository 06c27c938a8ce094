"""Rollouts under load, through the command line: what is worse goes, what is as good stays, and
callers notice neither."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.integration.cluster import REPOSITORY, Cluster, until
from tests.integration.scraping import scrape, value

POLICY = {
    "steps": [{"weight": 0.5, "min_requests": 50, "min_duration_s": 3, "deadline_s": 200}],
    "baseline_ratio": 1,
    "warm_up_s": 2,
    "block_s": 1,
    "guardrails": {
        # Wide, so that a good canary has shown enough in a minute.
        "total_ms": {"margin": 0.2, "weight": 8},
        "error": {"margin": 0.03, "weight": 4},
        "truncated": {"margin": 0.1},
        "degraded": {"margin": 0.1},
        "refused": {"margin": 0.1},
        "total_ms.tail": {"margin": 0.5, "rolls_back": "never"},
        "ttft_ms.tail": {"margin": 0.5, "rolls_back": "never"},
        "ttft_ms": {"margin": 0.2, "needed": False, "rolls_back": "never"},
        "tpot_ms": {"margin": 0.2, "needed": False, "rolls_back": "never"},
    },
}


class Operator:
    """An operator of the shared cluster."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.policy = folder / "policy.yaml"
        self.policy.write_text(yaml.safe_dump(POLICY))

    def run(self, *args: str, expect: int | None = 0) -> str:
        return self.cluster.run(*args, "--home", str(self.cluster.home), expect=expect).stdout

    def get(self, path: str) -> dict[str, Any]:
        key = (self.cluster.home / "admin_key").read_text()
        response = httpx.get(
            f"{self.cluster.url}{path}", headers={"Authorization": f"Bearer {key}"}, timeout=10
        )
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def try_release(self, canary: str, expect: str) -> subprocess.Popen[str]:
        """Starts a rollout under load in the background."""
        command = [
            *(sys.executable, "-m", "benchmarks.rollout", canary, "--stable", "steady"),
            *("--policy", str(self.policy), "--expect", expect, "--users", "6"),
            *("--url", self.cluster.url, "--home", str(self.cluster.home)),
            *("--output", str(self.folder), "--limit", "220"),
        ]
        return subprocess.Popen(
            command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def result(self, trial: subprocess.Popen[str]) -> dict[str, Any]:
        """Waits for the end of a trial, and returns what came of it."""
        printed, _ = trial.communicate(timeout=280)
        assert trial.returncode == 0, printed
        result: dict[str, Any] = json.loads((self.folder / "result.json").read_text())["results"]
        return result

    def controller_pid(self) -> int:
        [pid] = self.cluster.pids("control", "RolloutController").values()
        return pid


@pytest.fixture
def operator(cluster: Cluster, guide: str, tmp_path: Path) -> Iterator[Operator]:
    """Somebody who has put the traffic on the release `steady`."""
    assert guide
    cluster.wait_ready()
    someone = Operator(cluster, tmp_path)
    # A controller that was just deployed anew is left alone for some seconds.
    until(
        lambda: someone.run("traffic", "steady=1", expect=None),
        within_s=60,
        what="the controller takes the traffic",
    )
    until(
        lambda: someone.get("/admin/traffic")["weights"] == {"steady": 1.0},
        within_s=2,
        what="the weights are in force",
    )
    yield someone
    latest = someone.get("/admin/rollouts?limit=1")["rollouts"]
    if latest and latest[0]["phase"] in ("running", "paused"):
        someone.run("rollout", "abort", "--reason", "the test has ended")
    someone.run("traffic", "--reset")


@pytest.mark.long
def test_a_slower_canary_is_rolled_back_as_soon_with_a_response_cache(operator: Operator) -> None:
    """Half of the callers get what was kept; those who are compared get new answers."""
    step = POLICY["steps"][0] | {"weight": 0.25}  # type: ignore[index]
    operator.policy.write_text(yaml.safe_dump({**POLICY, "steps": [step]}))
    cluster = operator.cluster
    needed = {}
    try:
        for kept in (False, True):
            config = cluster.config()
            releases = config["applications"][0]["deployments"][0]["user_config"]["releases"]
            for release in ("steady", "steady-slower"):
                releases[release]["cache"] = {"answer": kept, "sampling": "any"}
            cluster.deploy(config)
            until(
                lambda kept=kept: has_cache(cluster) == kept,  # type: ignore[misc]
                within_s=30,
                what="the setting is in force",
            )
            result = operator.result(operator.try_release("steady-slower", "rolled_back"))
            assert result["failed"] == 0
            assert "time of the whole answer" in result["reason"]
            [total] = [one for one in result["rollout"]["verdicts"] if one["metric"] == "total_ms"]
            needed[kept] = total["canary_requests"]
        until(
            lambda: value(scrape(cluster), "ray_ragserve_cache_requests_total", outcome="hit") > 50,
            within_s=40,
            what="who was not compared got what was kept",
        )
    finally:
        cluster.deploy(cluster.config())
    assert needed[True] <= 2 * needed[False], needed


def has_cache(cluster: Cluster) -> bool:
    """Returns whether the release that answers keeps answers."""
    answer = httpx.post(f"{cluster.url}/v1/query", json={"query": "A queue?"}, timeout=20)
    return "X-Ragserve-Cache" in answer.headers


def test_a_failing_canary_is_rolled_back_and_no_caller_notices(operator: Operator) -> None:
    result = operator.result(operator.try_release("steady-failing", "rolled_back"))
    assert result["failed"] == 0
    assert "requests that failed" in result["reason"]
    [error] = [one for one in result["rollout"]["verdicts"] if one["metric"] == "error"]
    assert error["canary"] > 0
    assert error["baseline"] == 0


def test_an_equal_canary_is_promoted_although_the_controller_is_killed(operator: Operator) -> None:
    trial = operator.try_release("steady-too", "promoted")
    until(lambda: counted(operator) > 30, within_s=40, what="the canary has answered")
    before, pid = counted(operator), operator.controller_pid()
    os.kill(pid, signal.SIGKILL)
    until(lambda: counted(operator) >= before, within_s=60, what="the controller is back")
    assert operator.controller_pid() != pid
    result = operator.result(trial)
    assert result["failed"] == 0
    actions = [one["action"] for one in result["rollout"]["history"]]
    assert actions == ["promote"]
    assert operator.get("/admin/traffic")["weights"] == {"steady-too": 1.0}
    answer = httpx.post(f"{operator.cluster.url}/v1/query", json={"query": "A queue?"}, timeout=20)
    assert answer.headers["X-Ragserve-Release"] == "steady-too"


def counted(operator: Operator) -> int:
    """Returns how many requests of the canary are evidence; 0 while nobody can say."""
    try:
        [latest] = operator.get("/admin/rollouts?limit=1")["rollouts"]
        if latest["phase"] != "running":
            return 0
        verdicts = operator.get(f"/admin/rollouts/{latest['id']}")["verdicts"]
    except (AssertionError, ValueError, httpx.HTTPError):
        return 0
    found = [one["canary_requests"] for one in verdicts if one["metric"] == "error"]
    return found[0] if found else 0


def test_a_shadow_answers_nobody_and_is_compared(operator: Operator, http: httpx.Client) -> None:
    shadow = {**POLICY, "shadow": {"share": 1.0, "min_requests": 5, "deadline_s": 60}}
    operator.policy.write_text(yaml.safe_dump({**shadow, "mode": "observe_only", "warm_up_s": 0}))
    operator.run("rollout", "start", "minilm-extractive", "--policy", str(operator.policy))
    until(lambda: operator.get("/admin/releases")["rollout"], within_s=2, what="it has begun")
    for number in range(8):
        body = {"query": "What happens when a queue is full?", "user": f"user-{number}"}
        assert http.post("/v1/query", json=body).json()["release"] == "steady"

    def compared() -> dict[str, Any]:
        [latest] = operator.get("/admin/rollouts?limit=1")["rollouts"]
        verdicts = operator.get(f"/admin/rollouts/{latest['id']}")["verdicts"]
        found = {one["metric"]: one for one in verdicts}
        return found if found.get("overlap", {}).get("canary_requests", 0) >= 4 else {}

    found = until(compared, within_s=10, what="the answers are compared")
    assert found["error"]["baseline_requests"] == 0 or found["error"]["canary_requests"] > 0
    told = operator.run("rollout", "status")
    assert "shadow" in told
    assert "overlap" in told


def test_people_step_in(operator: Operator) -> None:
    operator.run("rollout", "start", "steady-too", "--policy", str(operator.policy))
    again = operator.cluster.run(
        *("rollout", "start", "peer", "--home", str(operator.cluster.home)), expect=1
    )
    assert "under way" in again.stderr
    assert "paused" in operator.run("rollout", "pause", "--reason", "lunch")
    assert "running" in operator.run("rollout", "resume")
    assert "rolled back" in operator.run("rollout", "abort", "--reason", "second thoughts")
    assert operator.run("rollout", "watch", expect=2)
    history = operator.get("/admin/rollouts?limit=1")["rollouts"][0]
    assert "second thoughts" in history["reason"]


def releases_of(url: str, count: int) -> Counter[str]:
    """Returns who answered searches; each on a connection of its own, so that every gateway replica
    gets some."""
    found: Counter[str] = Counter()
    for _ in range(count):
        answer = httpx.post(f"{url}/v1/search", json={"query": "queue"}, timeout=20)
        found[answer.headers["X-Ragserve-Release"]] += 1
    return found


def test_deployed_weights_reach_every_gateway_replica_and_restart_nothing(
    cluster: Cluster, guide: str
) -> None:
    assert guide
    config = cluster.config()
    ingress = config["applications"][0]["deployments"][0]
    ingress["autoscaling_config"] |= {"min_replicas": 2, "max_replicas": 2}
    cluster.deploy(config)
    until(
        lambda: len(cluster.pids("gateway")) == 2,
        within_s=60,
        what="there are two gateway replicas",
    )
    cluster.wait_ready()
    try:
        time.sleep(1)  # HAProxy hears of the second one
        before = cluster.pids()
        ingress["user_config"]["traffic"] = {"peer": 1.0}
        cluster.deploy(config)
        time.sleep(2)
        assert releases_of(cluster.url, 20) == {"peer": 20}
        ingress["user_config"]["traffic"] = {"steady": 1.0, "no-such-release": 1.0}
        cluster.deploy(config)
        time.sleep(2)
        assert releases_of(cluster.url, 20) == {"peer": 20}
        assert "no-such-release" in cluster.run("status", "--home", str(cluster.home)).stdout
        assert cluster.pids() == before
    finally:
        cluster.deploy(cluster.config())
        until(lambda: len(cluster.pids("gateway")) == 1, within_s=60, what="one is gone again")
        cluster.wait_ready()
