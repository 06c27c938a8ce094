"""Which ports the stack takes, who has one that is taken, and which one to take instead.

Ports that a client types (API, Chroma, MLflow) must be the ones asked for: the Serve config names
them. The rest are inner plumbing and move out of the way when somebody else is there.
"""

import contextlib
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from app.client.errors import CliError
from app.cluster.serve_config import LOOPBACK

_CONNECT_TIMEOUT_S = 0.3


@dataclass(frozen=True)
class PortNeed:
    """A port that must be free, and the words for it in a message."""

    port: int
    purpose: str
    remedy: str
    host: str = LOOPBACK


@dataclass(frozen=True)
class StackPorts:
    """The TCP ports of one stack that are chosen here; Ray and Serve pick others by themselves."""

    api: int
    chroma: int | None
    mlflow: int | None
    dashboard: int
    gcs: int
    ray_client: int
    dashboard_agent: int
    dashboard_metrics: int
    haproxy_stats: int
    haproxy_metrics: int
    fallback_proxy: int
    fallback_grpc: int


def choose_ports(
    *, api: int, chroma: int | None, mlflow: int | None, grpc: int | None = None
) -> StackPorts:
    """Returns the ports of a stack: Ray's usual ones where they are free, else any that are."""
    taken = {port for port in (api, chroma, mlflow, grpc) if port is not None}

    def pick(preferred: int, host: str = LOOPBACK) -> int:
        port = preferred if preferred not in taken and is_free(preferred, host) else 0
        while port == 0 or port in taken:
            port = _any_free_port()
        taken.add(port)
        return port

    return StackPorts(
        api=api,
        chroma=chroma,
        mlflow=mlflow,
        dashboard=pick(8265),
        gcs=pick(6379),
        ray_client=pick(10001),
        dashboard_agent=pick(52365),
        dashboard_metrics=pick(44227),
        haproxy_stats=pick(8404, ""),  # HAProxy binds these two on every interface
        haproxy_metrics=pick(9101, ""),
        fallback_proxy=pick(8500),
        fallback_grpc=pick(9500, ""),  # bound on every interface, where there is gRPC
    )


def require_free(needs: Iterable[PortNeed]) -> None:
    """Refuses to go on while one of the ports is taken.

    Raises:
        CliError: Names every such port, what it is for, and who has it where that can be
            found out.
    """
    busy = [need for need in needs if not is_free(need.port, need.host)]
    if busy:
        lines = [busy_message(need, holder(need.port)) for need in busy]
        raise CliError("; ".join(lines), "; ".join(need.remedy for need in busy))


def busy_message(need: PortNeed, holder_text: str) -> str:
    """Returns the sentence for a port that is taken.

    >>> busy_message(PortNeed(5000, "MLflow", ""), "pid 7 (nginx)")
    'Port 5000, needed for MLflow, is in use by pid 7 (nginx)'
    """
    by = f"by {holder_text}" if holder_text else "(by whom is not visible to this user)"
    return f"Port {need.port}, needed for {need.purpose}, is in use {by}"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Says whether a server could listen there now: nobody answers, and it can be bound."""
    probe_host = LOOPBACK if host in ("", "0.0.0.0", "::") else host
    with contextlib.suppress(OSError):
        # macOS lets two sockets share a port where one of them is bound to every interface.
        socket.create_connection((probe_host, port), _CONNECT_TIMEOUT_S).close()
        return False
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Returns "pid 123 (command)" of who listens on the port, empty where that cannot be seen."""
    import psutil

    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.laddr.port == port and connection.pid is not None:
                command = " ".join(psutil.Process(connection.pid).cmdline())
                return f"pid {connection.pid} ({command[:100] or 'unknown command'})"
    return ""


def _any_free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
