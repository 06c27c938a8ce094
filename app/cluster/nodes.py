"""The machines of a cluster, and whether what a config wants has room on them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.client.errors import CliError
from app.settings.checks.several_nodes import check_for_several_nodes
from deployments.contracts.errors import ConfigError

_COUNTED = {"num_cpus": "CPU", "num_gpus": "GPU", "memory": "memory"}
"""Options of an actor, by Ray's names for what they take."""


@dataclass(frozen=True)
class Node:
    """A machine that is alive; `resources` are its totals by Ray's names."""

    address: str
    is_head: bool
    resources: Mapping[str, float]


def parse_nodes(body: Mapping[str, Any]) -> tuple[Node, ...]:
    """Returns the nodes that are alive, of an answer of Ray's state API."""
    listed = body["data"]["result"]["result"]
    return tuple(
        Node(
            str(node.get("node_ip", "")),
            bool(node.get("is_head_node")),
            {str(name): float(total) for name, total in (node["resources_total"] or {}).items()},
        )
        for node in listed
        if node.get("state") == "ALIVE"
    )


def needed(document: Mapping[str, Any]) -> dict[str, float]:
    """Returns what the least number of replicas of all deployments takes, by Ray's names.

    A deployment that the file does not name is not counted, nor what a builder decides itself,
    such as the placement group of a large model.
    """
    total = _sum(wanted for _, wanted in _demands(document))
    return {name: round(amount, 3) for name, amount in total.items() if amount}


def require_no_single_machine(document: Mapping[str, Any], file: str) -> None:
    """Refuses a config that works on one machine alone.

    Args:
        document: The config.
        file: What errors call it.

    Raises:
        CliError: says what of it does, and what to put in its place.
    """
    try:
        check_for_several_nodes(document, file)
    except ConfigError as error:
        message, _, detail = str(error).partition("\n")
        raise CliError(message.rstrip("."), "See docs/cluster.md", detail=detail) from None


def require_room(document: Mapping[str, Any], nodes: Sequence[Node]) -> None:
    """Refuses a config whose replicas have no room, which Serve would keep waiting for ever.

    Raises:
        CliError: says what is missing, and who wants how much of it.
    """
    has = _sum(node.resources for node in nodes)
    short = {
        name: amount for name, amount in needed(document).items() if amount > has.get(name, 0.0)
    }
    if not short:
        return
    said = ", ".join(
        f"{amount:g} {name} where there are {has.get(name, 0.0):g}"
        for name, amount in short.items()
    )
    raise CliError(
        f"The cluster has no room for the config: it needs {said}",
        "Add nodes, lower the replicas or what each takes, or deploy all the same with "
        "--no-room-check, as where nodes are added on demand.",
        detail="\n".join(
            f"{who}: {', '.join(parts)}"
            for who, wanted in _demands(document)
            if (parts := [f"{wanted[name]:g} {name}" for name in short if wanted.get(name)])
        ),
    )


def _demands(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, float]]]:
    """Yields each deployment, and what the least number of its replicas takes together."""
    for application in document["applications"]:
        for deployment in application.get("deployments") or ():
            replicas = _least_replicas(deployment)
            wanted = {name: replicas * amount for name, amount in _of_one(deployment).items()}
            yield f"{application['name']} {deployment['name']}", wanted


def _sum(resources: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for one in resources:
        for name, amount in one.items():
            total[name] = total.get(name, 0.0) + amount
    return total


def _of_one(deployment: Mapping[str, Any]) -> dict[str, float]:
    """Returns what one replica takes: the bundles of its placement group where it has one."""
    bundles = deployment.get("placement_group_bundles")
    if bundles:
        return _sum(bundles)
    options: dict[str, Any] = {"num_cpus": 1.0}  # Serve's default
    options |= deployment.get("ray_actor_options") or {}
    found = {
        ray_name: float(options[name]) for name, ray_name in _COUNTED.items() if options.get(name)
    }
    own = options.get("resources") or {}
    return found | {str(name): float(amount) for name, amount in own.items()}


def _least_replicas(deployment: Mapping[str, Any]) -> int:
    scaling = deployment.get("autoscaling_config")
    if isinstance(scaling, Mapping):
        return int(scaling.get("min_replicas", 1))
    given = deployment.get("num_replicas")
    return given if isinstance(given, int) else 1
