"""What an operator relies on: kills, scaling, live changes, the guard."""

import os
import signal
import time

import httpx
import pytest

from tests.integration.asking import Load
from tests.integration.cluster import Cluster, until


@pytest.mark.parametrize("deployment", ["Retriever", "Reranker"])
def test_a_killed_replica_comes_back_under_load(
    cluster: Cluster, http: httpx.Client, deployment: str
) -> None:
    before = cluster.pids("retrieval-minilm", deployment)
    with Load(cluster.url, threads=4, body={"query": "what is a release"}) as load:
        until(lambda: load.statuses[200] > 5, within_s=30, what="answers before the kill")
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        until(
            lambda: (
                set(cluster.pids("retrieval-minilm", deployment).values()) - set(before.values())
            ),
            within_s=90,
            what="a new replica",
        )
        good = load.statuses[200]
        until(lambda: load.statuses[200] > good + 20, within_s=60, what="answers after the kill")
    assert load.statuses[0] == 0, "a connection was dropped"
    assert load.statuses[500] == 0, load.statuses
    cluster.wait_ready()


@pytest.mark.long
def test_the_embedder_scales_to_two_and_back(cluster: Cluster, http: httpx.Client) -> None:
    until(
        lambda: len(cluster.pids("retrieval-minilm", "Embedder")) == 1,
        within_s=60,
        what="one embedder",
    )
    body = {"query": "autoscaling " * 150, "rerank": False}
    with Load(cluster.url, threads=16, body=body) as load:
        until(
            lambda: len(cluster.pids("retrieval-minilm", "Embedder")) == 2,
            within_s=90,
            what="a second embedder",
        )
    until(
        lambda: len(cluster.pids("retrieval-minilm", "Embedder")) == 1,
        within_s=90,
        what="one embedder again",
    )
    # Refusals may be among them while the second one starts; nothing is lost or broken.
    assert set(load.statuses) <= {200, 503}, load.statuses
    assert load.statuses[200] > 10 * load.statuses[503]


def test_live_settings_change_in_place_and_a_new_application_disturbs_nobody(
    cluster: Cluster, http: httpx.Client
) -> None:
    before = cluster.pids()
    config = cluster.config()
    live = config["applications"][0]["deployments"][0]["user_config"]
    live["releases"]["second"] = live["releases"]["minilm-extractive"] | {
        "generator": "generator-second"
    }
    live["traffic"] = {"second": 1.0}
    second = {**config["applications"][2], "name": "generator-second"}
    second["args"] = {"engine": "extractive", "name": "extractive-second"}
    config["applications"].append(second)
    cluster.deploy(config)

    def answering_release() -> str:
        response = http.post("/v1/query", json={"query": "What is a release?"})
        return str(response.json().get("release"))

    until(lambda: answering_release() == "second", within_s=60, what="the second release answers")
    after = cluster.pids()
    assert before.items() <= after.items()
    assert {name.split("/")[0] for name in set(after) - set(before)} == {"generator-second"}

    started_s = time.monotonic()
    cluster.deploy(cluster.config())
    until(lambda: answering_release() == "minilm-extractive", within_s=30, what="the first again")
    assert time.monotonic() - started_s < 25
    assert before.items() <= cluster.pids().items()


def test_a_broken_live_setting_changes_nothing(cluster: Cluster, http: httpx.Client) -> None:
    before = cluster.pids()
    config = cluster.config()
    live = config["applications"][0]["deployments"][0]["user_config"]
    live["traffic"] = {"nobody": 1.0}
    cluster.deploy(config)
    time.sleep(3)
    assert http.post("/v1/query", json={"query": "x"}).json()["release"] == "minilm-extractive"
    assert cluster.pids() == before
    cluster.deploy(cluster.config())


def test_the_config_is_checked_before_it_is_deployed(cluster: Cluster) -> None:
    broken = cluster.home / "broken.yaml"
    broken.write_text(cluster.config_file.read_text().replace("top_n", "top_nn"))
    done = cluster.run("deploy", str(broken), "--home", str(cluster.home), expect=1)
    assert "top_nn" in done.stderr


def test_rays_interface_asks_for_its_token(cluster: Cluster) -> None:
    url = f"{cluster.dashboard_url}/api/serve/applications/"
    assert httpx.get(url).status_code == 401
    assert cluster.applications()


def test_status_is_for_people_and_scripts(cluster: Cluster) -> None:
    cluster.wait_ready()
    done = cluster.run("status", "--home", str(cluster.home))
    assert "gateway" in done.stdout
    assert "Embedder" in done.stdout


def test_nothing_of_the_api_listens_beyond_loopback(cluster: Cluster) -> None:
    import psutil

    port = int(cluster.url.rsplit(":", 1)[1])
    listening = {
        connection.laddr.ip
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }
    assert listening == {"127.0.0.1"}
