"""The environment of each child: pure functions from choices to variables, with their reasons."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from app.cluster.environment import HAPROXY_SETTINGS, SERVE_SETTINGS
from app.local.log_rotation import LogLimits
from app.local.ports import StackPorts
from deployments.node_folder import FOLDER_VARIABLE

INSTANCE_VARIABLE = "RAGSERVE_INSTANCE"
"""Carries the id of one start into all its processes: how a stop knows those that left home."""

# A shell that talks to another Ray must not lead ours there, nor lend it another secret.
_DROPPED = frozenset(
    {"RAY_ADDRESS", "RAY_API_SERVER_ADDRESS", "RAY_DASHBOARD_ADDRESS", "RAY_AUTH_TOKEN"}
)


def ray_environment(
    *,
    instance: str,
    token_file: Path,
    run_dir: Path,
    import_dir: Path,
    ports: StackPorts,
    cpu_count: int,
    haproxy: Path | None,
    log_limits: LogLimits,
) -> dict[str, str]:
    """Returns what `ray start` and everything below it must find in its environment.

    Args:
        instance: The id of this start.
        token_file: Holds the secret that guards Ray's ports.
        run_dir: The folder of this run, which no other user can enter. Short: a Unix socket's path
            is limited to 107 bytes.
        import_dir: Where the applications' `import_path` is looked up beside the installed
            packages.
        ports: The ports of this stack.
        cpu_count: Cores of this machine.
        haproxy: Starts HAProxy; None lets Serve's own Python proxy take the requests.
        log_limits: Of Ray's own logs.
    """
    haproxy_dir = run_dir / "haproxy.d"
    settings = {
        **SERVE_SETTINGS,
        INSTANCE_VARIABLE: instance,
        # Whoever may deploy may run code: keep the guard, with a secret that touches nothing of the
        # user's home.
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token_file),
        # Named for the systems where it is the default. Without it `ray start` replaces 127.0.0.1
        # by the machine's address and listens on every interface.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # There is no second node to drain to: a stop would wait these (30) seconds for nothing.
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
        # Under `uv run`, Ray would build the environment anew in every worker.
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        # Ray rotates its own logs and those of replicas, at half a gigabyte each by default.
        "RAY_ROTATION_MAX_BYTES": str(log_limits.file_bytes),
        "RAY_ROTATION_BACKUP_COUNT": str(log_limits.archives),
        "DASHBOARD_METRIC_PORT": str(ports.dashboard_metrics),
        # Replicas wait this long for load balancers to notice that they go: here, none but ours.
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(ports.fallback_proxy),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(ports.fallback_grpc),
        # The working tree, so that `import_path` finds modules beside the config file.
        "PYTHONPATH": str(import_dir),
    }
    if haproxy is not None:
        settings |= {
            **HAPROXY_SETTINGS,
            "RAY_SERVE_HAPROXY_BINARY_PATH": str(haproxy),
            "RAY_SERVE_HAPROXY_NBTHREAD": str(cpu_count),
            # Both are bound on every interface, which no setting changes; the numbers are all that
            # can be chosen.
            "RAY_SERVE_HAPROXY_STATS_PORT": str(ports.haproxy_stats),
            "RAY_SERVE_HAPROXY_METRICS_PORT": str(ports.haproxy_metrics),
            # The default folder is shared by all users, and its admin socket is open to them.
            "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(haproxy_dir / "haproxy.cfg"),
            "RAY_SERVE_HAPROXY_SOCKET_PATH": str(haproxy_dir / "admin.sock"),
            "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(haproxy_dir / "metrics.sock"),
            "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(haproxy_dir),
            "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(haproxy_dir / "server-state"),
        }
    return settings


def gateway_environment(
    inherited: Mapping[str, str],
    *,
    admin_key: str,
    content_salt: str,
    key_pepper: str,
    database: Path,
    limits: Path,
    index: Path,
) -> dict[str, str]:
    """Returns the secrets of the applications and the places of their files: those of the user's
    own environment, or else those of the stack.

    Args:
        inherited: The user's environment.
        admin_key: Opens the routes for operators.
        content_salt: Key of the digests that traces have in place of texts.
        key_pepper: Key of the digests by which API keys are known.
        database: The file that keeps rollouts and keys.
        limits: The file in which rates are counted.
        index: The folder for indexes of documents.
    """
    own = {
        "RAGSERVE_ADMIN_KEY": admin_key,
        "RAGSERVE_CONTENT_SALT": content_salt,
        "RAGSERVE_KEY_PEPPER": key_pepper,
        "RAGSERVE_DATABASE_URL": f"sqlite:///{database}",
        "RAGSERVE_LIMITS_URL": f"sqlite:///{limits}",
        FOLDER_VARIABLE: str(index),
    }
    # One that is empty keeps the index in memory.
    empty = {FOLDER_VARIABLE} & inherited.keys()
    return {
        name: inherited[name] if name in empty else inherited.get(name) or value
        for name, value in own.items()
    }


def mlflow_environment(*, instance: str) -> dict[str, str]:
    """Returns the settings of a small MLflow server."""
    return {
        INSTANCE_VARIABLE: instance,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Judges and scheduled scorers would start worker processes that nothing here uses.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PYTHONUNBUFFERED": "1",  # the end of its log is shown when it dies
    }


def chroma_environment(inherited: Mapping[str, str], *, instance: str) -> dict[str, str]:
    """Returns the settings of a Chroma server."""
    return {
        INSTANCE_VARIABLE: instance,
        # By default it writes two lines for every request, and retrievers ask it for changes many
        # times a second. No option says it: the server reads what programs in Rust read.
        "RUST_LOG": inherited.get("RUST_LOG") or "warn",
        "ANONYMIZED_TELEMETRY": "False",  # the server sends none today; its Python client did
    }


def child_environment(inherited: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """Returns the inherited environment with the settings on top; import folders are joined."""
    merged = {name: value for name, value in inherited.items() if name not in _DROPPED}
    merged.update(settings)
    if "PYTHONPATH" in settings and inherited.get("PYTHONPATH"):
        merged["PYTHONPATH"] = os.pathsep.join([settings["PYTHONPATH"], inherited["PYTHONPATH"]])
    return merged


def shell_exports(*, token_file: Path, dashboard_url: str, gcs_address: str) -> str:
    """Returns the shell lines after which `serve deploy` and `ray list` find this stack."""
    variables = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token_file),
        "RAY_DASHBOARD_ADDRESS": dashboard_url,
        "RAY_API_SERVER_ADDRESS": dashboard_url,
        "RAY_ADDRESS": gcs_address,
        # Else Ray's commands look for a loopback address at the machine's own one.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
