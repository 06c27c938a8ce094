"""What Ray and the applications must find in the environment of every node, with the reasons."""

import secrets
import shlex
from collections.abc import Iterator, Mapping

_MAX_MESSAGE_BYTES = 64 * 1024 * 1024

SERVE_SETTINGS: Mapping[str, str] = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray starts workers at niceness 15: whatever else runs on a node would starve the service.
    "RAY_worker_niceness": "0",
    # Threads that take turns at an index would each keep memory of their own for ever.
    "MALLOC_ARENA_MAX": "2",
    # A stage's batch of vectors exceeds the default of 4 MiB.
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": str(_MAX_MESSAGE_BYTES),
    # Processes that wait for work have loaded Serve, and without what it does not need here.
    "RAY_preload_python_modules": "app.cluster.preload",
    # So often the controller looks at all replicas, by default ten times a second.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.25",
    # Outside the applications: clients must not switch off Serve's time limit by a header.
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "app.edge.middleware:edge_middlewares",
}
"""Of every stack."""

HAPROXY_SETTINGS: Mapping[str, str] = {
    # HTTP goes to the replicas by HAProxy instead of through a Python process, calls between them
    # over gRPC.
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    # With the line above, Serve would write its logs a thousand lines at a time: nobody could read
    # along, and a killed replica would take its last requests with it.
    "RAY_SERVE_REQUEST_PATH_LOG_BUFFER_SIZE": "1",
    # A node that is gone answers nothing: until Serve knows, each try of a replica on it costs so
    # much, and Serve's default of 5 seconds would be most of a client's patience.
    "RAY_SERVE_HAPROXY_TIMEOUT_CONNECT_S": "1",
    # Every replica that comes or goes has HAProxy start anew, and the process before ends its
    # streams first: as long as the gateway's replicas do, and not Serve's two minutes.
    "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": "640",
}
"""Where HAProxy takes the requests, which it does on Linux."""

NODES_SETTINGS: Mapping[str, str] = {
    # What is sent to a node that is gone is answered by nobody: after so long its connection ends,
    # and with it the calls that wait on it, which go to others. By default that is two minutes. A
    # busy process loses nothing by it, because its kernel answers.
    "RAY_grpc_client_keepalive_timeout_ms": "1500",
}
"""Where there is more than one node."""

SECRETS: Mapping[str, str] = {
    "RAGSERVE_KEY_PEPPER": "digests of API keys: a new one makes all keys unknown",
    "RAGSERVE_ADMIN_KEY": "the operators' key",
    "RAGSERVE_CONTENT_SALT": "digests that traces may have in place of texts",
}
"""What each node must have, and what for; made once for a cluster."""

_LAUNCHER = "ragserve-haproxy"


def environment_lines(
    *, database_url: str, limits_url: str, token_file: str, cache_url: str = ""
) -> Iterator[str]:
    """Yields the lines of a shell file with everything that a node needs, secrets included that
    nobody has seen before.

    Args:
        database_url: PostgreSQL, for rollouts, usage, keys and budgets.
        limits_url: Redis, for rates.
        token_file: Where the token of the cluster lies on each node.
        cache_url: Redis, for answers that are given again; empty for none.
    """
    yield "# The same on every node, before `ray start`. It holds secrets: chmod 600."
    yield ""
    yield "# Whoever may deploy may run code: only who has the token may."
    yield _export("RAY_AUTH_MODE", "token")
    yield _export("RAY_AUTH_TOKEN_PATH", token_file)
    yield ""
    yield "# How Ray and Serve run the service."
    for name, value in {**SERVE_SETTINGS, **HAPROXY_SETTINGS, **NODES_SETTINGS}.items():
        yield _export(name, value)
    yield "# Starts HAProxy so that it notices clients who leave, and without these secrets."
    yield f'export RAY_SERVE_HAPROXY_BINARY_PATH="$(command -v {_LAUNCHER})"'
    yield ""
    yield "# Where state is kept that all nodes share."
    yield _export("RAGSERVE_DATABASE_URL", database_url)
    yield _export("RAGSERVE_LIMITS_URL", limits_url)
    if cache_url:
        yield _export("RAGSERVE_CACHE_URL", cache_url)
    else:
        yield "# RAGSERVE_CACHE_URL, for answers that are given again: without it there are none."
    yield ""
    yield "# Secrets, made now and kept nowhere else."
    for name, what in SECRETS.items():
        yield f"{_export(name, secrets.token_urlsafe(32))} # {what}"


def _export(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}"
