"""Whether what a config wants has room on the machines of a cluster."""

from typing import Any

import pytest

from app.client.errors import CliError
from app.cluster.nodes import Node, needed, parse_nodes, require_room


def config(*deployments: dict[str, Any]) -> dict[str, Any]:
    return {"applications": [{"name": "a", "deployments": list(deployments)}]}


SHIPPED = config(
    {"name": "Ingress", "ray_actor_options": {"num_cpus": 0.2}},
    {"name": "Embedder", "autoscaling_config": {"min_replicas": 2, "max_replicas": 9},
     "ray_actor_options": {"num_cpus": 1.5, "resources": {"disk": 1}}},
    {"name": "Default"},
    {"name": "Generator", "num_replicas": 2, "ray_actor_options": {"num_cpus": 0, "num_gpus": 1}},
    {"name": "Large", "placement_group_bundles": [{"CPU": 1, "GPU": 1}] * 4},
)  # fmt: skip


def test_the_least_of_each_deployment_is_summed() -> None:
    assert needed(SHIPPED) == {"CPU": 8.2, "GPU": 6.0, "disk": 2.0}


def test_what_has_no_room_is_refused_with_who_wants_it() -> None:
    nodes = [Node("10.0.0.1", True, {"CPU": 4.0}), Node("10.0.0.2", False, {"CPU": 8, "GPU": 4.0})]
    with pytest.raises(CliError, match="2 disk where there are 0, 6 GPU where there are 4") as e:
        require_room(SHIPPED, nodes)
    assert e.value.detail.splitlines() == [
        "a Embedder: 2 disk",
        "a Generator: 2 GPU",
        "a Large: 4 GPU",
    ]
    require_room(config({"name": "Default"}), nodes)


def test_nodes_that_are_gone_do_not_count() -> None:
    listed = [
        {"node_ip": "10.0.0.1", "is_head_node": True, "state": "ALIVE",
         "resources_total": {"CPU": 2.0}},
        {"node_ip": "10.0.0.2", "is_head_node": False, "state": "DEAD", "resources_total": None},
    ]  # fmt: skip
    found = parse_nodes({"data": {"result": {"result": listed}}})
    assert found == (Node("10.0.0.1", True, {"CPU": 2.0}),)
