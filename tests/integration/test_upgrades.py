"""Every kind of change of a running stack, while questions and streams go on: none of them fails.

`make test-upgrades` runs it; ROUNDS=20 does it all so many times, STREAM_S=120 with streams of so
many seconds. Apart from the other tests, because each round replaces every replica.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.asking import Load, LongStream
from tests.integration.cluster import Cluster, until

ROUNDS = int(os.environ.get("RAGSERVE_UPGRADE_ROUNDS", "0"))
STREAM_S = float(os.environ.get("RAGSERVE_UPGRADE_STREAM_S", "20"))
SURGING = ("Ingress", "Embedder", "Retriever", "Reranker", "Indexer", "Generator")
QUESTION: dict[str, object] = {"query": "What does Retry-After say?"}
Json = dict[str, Any]
_log = logging.getLogger(__name__)

pytestmark = [
    pytest.mark.skipif(ROUNDS == 0, reason="RAGSERVE_UPGRADE_ROUNDS is not set"),
    pytest.mark.timeout(3600),
]


def application(config: Json, name: str) -> Json:
    found: Json = next(one for one in config["applications"] if one["name"] == name)
    return found


def change_weights(config: Json, number: int) -> None:
    live = application(config, "gateway")["deployments"][0]["user_config"]
    live["traffic"] = {"minilm-extractive": 0.5, "minilm-unranked": 0.5 + number / 100}


def change_gateway(config: Json, number: int) -> None:
    application(config, "gateway")["args"]["request_timeout_s"] = 20 + number


def change_retrieval(config: Json, number: int) -> None:
    application(config, "retrieval-minilm")["args"]["store"]["timeout_s"] = 10 + number


def change_generator(config: Json, number: int) -> None:
    for name in ("extractive", "lasts"):
        args = application(config, f"generator-{name}")["args"]
        args["sampling"] = {"max_tokens": 2000 + number}


def change_control(config: Json, number: int) -> None:
    application(config, "control")["args"]["batches"] = {"lease_s": 4 + number}


def change_package(config: Json, number: int) -> None:
    """As `ragserve deploy --address` does, with another version of the package."""
    for one in config["applications"]:
        one["runtime_env"] = {"env_vars": {"RAGSERVE_VERSION": f"0.0.{number}"}}


CHANGES: dict[str, tuple[Callable[[Json, int], None], set[str]]] = {
    "user_config": (change_weights, set()),
    "retrieval": (change_retrieval, {"retrieval-minilm"}),
    "control": (change_control, {"control"}),
    "gateway": (change_gateway, {"gateway"}),
    "generator": (change_generator, {"generator-extractive", "generator-lasts"}),
    "package": (
        change_package,
        {"gateway", "retrieval-minilm", "generator-extractive", "generator-lasts", "control"},
    ),
}
"""By what is changed: how, and the applications whose replicas are replaced. Those of gateway and
generators hold streams."""


@pytest.fixture(scope="module")
def deployed(cluster: Cluster, guide: str) -> Iterator[Json]:
    """The config under which all is changed: with surge, as it is shipped, and no other generators
    than two, so that all has room twice."""
    config = cluster.config()
    gateway = application(config, "gateway")
    live = gateway["deployments"][0]["user_config"]
    usual = live["releases"]["minilm-extractive"]
    live["releases"] = {
        "minilm-extractive": usual,
        "minilm-unranked": usual | {"rerank": False},
        "lasts": live["releases"]["lasts"],
    }
    lasts = application(config, "generator-lasts")
    # As it is shipped: the scripted generators give up after a second, which new replicas can take.
    del lasts["args"]["openai"]["inter_token_timeout_s"]
    kept = {"gateway", "retrieval-minilm", "generator-extractive", "generator-lasts", "control"}
    config["applications"] = [one for one in config["applications"] if one["name"] in kept]
    for one in config["applications"]:
        for deployment in one["deployments"]:
            if deployment["name"] in SURGING:
                deployment |= {"max_surge_percent": 100, "graceful_shutdown_timeout_s": 630}
    # The rest of it is told to replicas that run.
    replaced_by(cluster, config, {"generator-lasts"})
    yield config
    cluster.deploy(cluster.config())
    cluster.wait_ready(within_s=240)  # eleven applications, of which most start anew


def replaced_by(cluster: Cluster, config: Json, applications: set[str]) -> None:
    """Deploys, and returns once new replicas of these applications answer for the old ones, of
    which some may still end their streams."""
    before = set(cluster.pids())
    cluster.deploy(config)
    seen = ""

    def is_done() -> bool:
        nonlocal seen
        running = cluster.applications()
        if (states := _states(running)) != seen:
            seen = states
            _log.info("replicas that do not simply run: %s", states or "none")
        if not all(_has_settled(one) for one in running.values()):
            return False
        new = {name.split("/")[0] for name in set(cluster.pids()) - before}
        return applications <= new

    until(is_done, within_s=240, what=f"new replicas of {sorted(applications)}")
    cluster.wait_ready()


def _has_settled(one: Json) -> bool:
    """Returns whether an application runs, or only waits for replicas that end."""
    states = {
        replica["state"] for each in one["deployments"].values() for replica in each["replicas"]
    }
    return one["status"] == "RUNNING" or (
        one["status"] == "DEPLOYING" and states == {"RUNNING", "STOPPING"}
    )


def _states(applications: Json) -> str:
    """Returns what is told of applications that change: their statuses, and replicas' states."""
    told = []
    for name, one in applications.items():
        replicas = [
            f"{deployment} {replica['state']}"
            for deployment, each in one["deployments"].items()
            for replica in each["replicas"]
            if replica["state"] != "RUNNING"
        ]
        if replicas or one["status"] != "RUNNING":
            told.append(f"{name} {one['status']} ({', '.join(replicas)})")
    return "; ".join(told)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_no_change_costs_a_request_or_a_stream(
    cluster: Cluster, deployed: Json, number: int
) -> None:
    """A stream begins before each change, and lasts over those that follow: the replicas that hold
    it are of one or several versions before."""
    paths = ("/v1/search", "/v1/query")
    streams: dict[str, LongStream] = {}
    with Load(cluster.url, threads=2, body=QUESTION, paths=paths, pause_s=0.2) as load:
        for what, (change, applications) in CHANGES.items():
            streams[what] = LongStream(cluster.url, "lasts", STREAM_S)
            until(
                lambda what=what: streams[what].has_begun or streams[what].end,  # type: ignore[misc]
                within_s=30,
                what=f"the stream before {what} begins",
            )
            asked, began_s = len(load.asked), time.monotonic()
            change(deployed, number)
            replaced_by(cluster, deployed, applications)
            slowest_s = max(question.took_s for question in load.asked[asked:])
            _log.info(
                "round %d, %s: %.0f s, %d questions, slowest %.1f s",
                *(number, what, time.monotonic() - began_s, len(load.asked) - asked, slowest_s),
            )
        for what, stream in streams.items():
            ended = stream.result()
            _log.info("stream before %s: %s, longest gap %.1f s", what, ended, stream.longest_gap_s)
    _log.info("round %d: %s", number, dict(load.statuses))
    assert load.failed == []
    assert {what: stream.end for what, stream in streams.items()} == dict.fromkeys(CHANGES, "whole")
