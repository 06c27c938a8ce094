"""A running cluster: its nodes, what a config wants of them, and what of it does not run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.client.errors import CliError
from app.cluster.nodes import Node, needed, require_room
from app.cluster.remote import RemoteCluster
from app.cluster.roll_out import shorten
from app.cluster.serve_api import ApplicationStatus
from app.doctor.finding import Finding, ok, warning, wrong

_RUNNING = "RUNNING"
_FAILED = "DEPLOY_FAILED"


def check_cluster(
    cluster: RemoteCluster, address: str, document: Mapping[str, Any] | None
) -> Iterator[Finding]:
    """Yields what is wrong with a cluster; one that does not answer yields that alone.

    Args:
        cluster: Where to look.
        address: As the person named it.
        document: What is to be deployed; None asks for nothing more than what is there.
    """
    try:
        nodes, applications = cluster.look()
    except CliError as error:
        detail = f" ({error.detail.splitlines()[0]})" if error.detail else ""
        yield wrong("dashboard", error.message + detail, error.hint or "Look at --token-file.")
        return
    yield ok("dashboard", f"{address} answers")
    yield check_nodes(nodes)
    if document is not None:
        yield check_room(document, nodes)
    yield from check_applications(applications)


def check_nodes(nodes: Sequence[Node]) -> Finding:
    """Says how many machines are alive, and whether one of them works beside directing."""
    said = f"{len(nodes)} alive: {', '.join(node.address for node in nodes)}"
    if not nodes:
        return wrong("nodes", "none is alive", "ray start --head")
    head = [node for node in nodes if node.is_head]
    if len(nodes) > 1 and any(node.resources.get("CPU", 0) > 0 for node in head):
        remedy = "ray start --head --num-cpus 0: when the head is busy, the whole cluster waits."
        return warning("nodes", f"{said}; the head takes replicas, too", remedy)
    return ok("nodes", said)


def check_room(document: Mapping[str, Any], nodes: Sequence[Node]) -> Finding:
    """Says whether the least number of replicas of a config has room on the nodes."""
    try:
        require_room(document, nodes)
    except CliError as error:
        wanted = f" ({'; '.join(error.detail.splitlines())})" if error.detail else ""
        return wrong("room", error.message + wanted, "Add nodes, or lower what replicas take.")
    sums = ", ".join(
        f"{amount:g} of {sum(node.resources.get(name, 0) for node in nodes):g} {name}"
        for name, amount in needed(document).items()
    )
    return ok("room", f"the config takes {sums}")


def check_applications(applications: Sequence[ApplicationStatus]) -> Iterator[Finding]:
    """Yields each application that does not run, with Serve's reason."""
    if not applications:
        yield warning("applications", "nothing is deployed", "ragserve deploy FILE --address URL")
        return
    for application in applications:
        name = f"application {application.name}"
        if application.status == _RUNNING:
            yield ok(name, f"runs, {application.replicas} replicas")
            continue
        reason = shorten(application.explanation, max_lines=1)
        said = (
            f"{application.status}, {application.replicas} replicas: {reason or 'no reason given'}"
        )
        remedy = "Read the logs of its replicas, mend the config or the nodes, and deploy it again."
        if application.status != _FAILED:
            remedy = "Wait; if it stays so, a replica finds no room or cannot start: ray status"
        yield wrong(name, said, remedy)
