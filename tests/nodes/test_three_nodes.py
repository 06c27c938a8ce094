"""What a cluster promises that one machine cannot show: docs/cluster.md."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import yaml

from tests.integration.asking import Load
from tests.integration.cluster import until
from tests.nodes.cluster import ThreeNodes
from tests.nodes.network import Node

CALLERS = 4


def load(nodes: ThreeNodes, urls: list[str]) -> Load:
    return Load(
        *urls,
        threads=CALLERS,
        body={"query": "What does Retry-After say?"},
        paths=("/v1/search", "/v1/query"),
        pause_s=0.3,  # the machine must have time left for what happens
        key=nodes.variables["RAGSERVE_API_KEY"],
    )


def test_every_node_answers_from_what_was_indexed_through_another(nodes: ThreeNodes) -> None:
    headers = {"Authorization": f"Bearer {nodes.variables['RAGSERVE_API_KEY']}"}
    for url in nodes.urls:
        found = httpx.post(
            f"{url}/v1/search", json={"query": "Retry-After"}, headers=headers, timeout=30
        )
        assert found.status_code == 200, found.text
        assert found.json()["results"]


def test_stages_have_a_replica_on_each_node(nodes: ThreeNodes) -> None:
    for deployment in ("Ingress", "Embedder", "Retriever", "Reranker", "Generator"):
        assert set(nodes.replicas(deployment)) == {node.address for node in nodes.workers}


def test_what_works_on_one_machine_alone_is_refused(nodes: ThreeNodes, tmp_path: Path) -> None:
    content = yaml.safe_load((nodes.folder / "serve_config.cluster.yaml").read_text())
    content["proxy_location"] = "HeadOnly"
    file = tmp_path / "head_only.yaml"
    file.write_text(yaml.safe_dump(content))
    said = nodes.run("deploy", str(file), "--address", nodes.dashboard, expect=1)
    assert "HeadOnly" in said


def test_a_rollout_is_one_whichever_node_is_asked(nodes: ThreeNodes) -> None:
    start = ("rollout", "start", "minilm-unranked", "--mode", "observe_only")
    nodes.run(*start, "--url", nodes.urls[1])
    assert len({rollout_id(nodes, url) for url in nodes.urls}) == 1


def test_a_node_that_is_drained_costs_no_request(nodes: ThreeNodes) -> None:
    leaving = nodes.workers[1]
    with load(nodes, nodes.urls[:2]) as asked:
        drain(nodes, leaving)
        until(
            lambda: leaving.address not in nodes.replicas(),
            within_s=240,
            what="its replicas are elsewhere",
        )
    assert asked.asked
    assert not asked.failed
    join_anew(nodes, leaving)


def test_the_death_of_the_controllers_node_costs_what_was_on_it(nodes: ThreeNodes) -> None:
    rollout = rollout_id(nodes, nodes.urls[0])
    until(lambda: nodes.replicas("RolloutController"), within_s=120, what="a controller")
    dying = nodes.node_of("RolloutController")
    others = [url for url in nodes.urls if dying.address not in url]
    with load(nodes, others) as asked:
        until(lambda: len(asked.asked) > 20, within_s=60, what="answers before")
        dying.kill()
        until(
            lambda: dying.address not in nodes.replicas() and nodes.replicas("RolloutController"),
            within_s=240,
            what="another controller",
        )
    # What was under way on the node, and what was sent to it before anybody knew.
    assert len(asked.failed) <= CALLERS, asked.failed
    assert not asked.slow(2.0), asked.slow(2.0)
    assert rollout_id(nodes, others[0]) == rollout
    join_anew(nodes, dying)


def rollout_id(nodes: ThreeNodes, url: str) -> str:
    """Returns the id of the rollout under way, as a node tells it."""
    told: dict[str, str] = json.loads(nodes.run("rollout", "status", "--json", "--url", url))
    return told["id"]


def drain(nodes: ThreeNodes, node: Node) -> None:
    """Tells Ray that a node goes soon, as KubeRay and autoscalers do."""
    [node_id] = [
        one["node_id"]
        for one in nodes.ask_ray("/api/v0/nodes")["data"]["result"]["result"]
        if one["node_ip"] == node.address and one["state"] == "ALIVE"
    ]
    ray = Path(sys.executable).with_name("ray")
    subprocess.run(
        [
            *(str(ray), "drain-node", "--address", f"{nodes.head.address}:6379"),
            *("--node-id", node_id, "--reason", "DRAIN_NODE_REASON_PREEMPTION"),
            *("--reason-message", "it goes", "--deadline-remaining-seconds", "300"),
        ],
        env=nodes.environment,
        check=True,
        capture_output=True,
        timeout=300,  # it waits until the node has agreed
    )


def join_anew(nodes: ThreeNodes, node: Node) -> None:
    """Has a node come back, as a new one."""
    node.remove()
    nodes.join(node)
    nodes.wait_whole()
