"""Ports: those that the service needs, and those that Serve shares in silence."""

from collections.abc import Iterable, Mapping

from app.cluster.serve_config import LOOPBACK
from app.doctor.finding import Finding, ok, warning, wrong
from app.local.ports import PortNeed, busy_message, holder, is_free

_FALLBACKS = {
    "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": ("HTTP", 8500),
    "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": ("gRPC", 9500),
}


def check_port(need: PortNeed) -> Finding:
    """Says whether a port is free that clients know by its number."""
    name = f"port {need.port}"
    if is_free(need.port, need.host):
        return ok(name, f"free, for {need.purpose}")
    return wrong(name, busy_message(need, holder(need.port)), need.remedy)


def check_fallback_ports(environment: Mapping[str, str], *, moves: bool) -> Iterable[Finding]:
    """Yields whether another Serve listens on the ports of Serve's fallback proxies.

    Serve opens them so that several processes may share them. A second stack of this machine binds
    the same one without an error, and requests that reach the fallback are answered by either.

    Args:
        environment: Names other ports.
        moves: Whether the stack takes other ports by itself, as `ragserve up` does.
    """
    for variable, (protocol, usual) in _FALLBACKS.items():
        port = int(environment.get(variable) or usual)
        need = PortNeed(port, f"Serve's fallback for {protocol}", "")
        name = f"fallback port {port}"
        if all(is_free(port, host) for host in (LOOPBACK, "0.0.0.0")):
            yield ok(name, f"free, for {need.purpose}")
            continue
        said = busy_message(need, holder(port))
        if moves:
            yield ok(name, f"{said}; `ragserve up` takes another one")
            continue
        remedy = (
            f"Two stacks would share it, and answer each other's requests: set {variable} to a "
            "free port before `ray start`."
        )
        yield (wrong if protocol == "HTTP" else warning)(name, said, remedy)
