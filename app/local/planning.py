"""Decides what one start consists of: its ports, its record, and the servers to run."""

import importlib.metadata
import os
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.client.errors import CliError
from app.cluster.serve_config import LOOPBACK, ServeConfig, base_url
from app.local.children import ChildSpec, chroma_spec, mlflow_spec, ray_spec
from app.local.environment import (
    chroma_environment,
    gateway_environment,
    mlflow_environment,
    ray_environment,
    shell_exports,
)
from app.local.generator_choice import GeneratorChoice
from app.local.haproxy import write_launcher
from app.local.home import Home, kept_token, new_token
from app.local.log_rotation import LogLimits
from app.local.ports import PortNeed, StackPorts
from app.local.state import StackState

_OWN_HOSTS = (LOOPBACK, "localhost", "::1")


@dataclass(frozen=True)
class UpOptions:
    """What the person asked for."""

    config_file: Path
    api_port: int | None
    """None for the config's own."""
    chroma_port: int | None
    """None to leave Chroma out."""
    mlflow_port: int | None
    """None to leave MLflow out."""
    haproxy: bool = True
    """Whether HAProxy takes the requests, where it is installed."""
    generator: GeneratorChoice | None = None
    """A generator to put in front of the config's own."""
    auth: bool = False
    """Whether keys are asked for, whatever the config says."""
    log_limits: LogLimits = LogLimits()
    """Bounds of the logs."""


def port_needs(config: ServeConfig, options: UpOptions) -> Sequence[PortNeed]:
    """Returns the ports that cannot be replaced by others, because clients know them."""
    needs = [PortNeed(config.port, "the API", "Take another one: --port", config.host)]
    if config.grpc_port is not None:
        remedy = "Take another one: grpc_options.port in the config"
        needs.append(PortNeed(config.grpc_port, "gRPC", remedy, config.host))
    if options.chroma_port is not None:
        needs.append(PortNeed(options.chroma_port, "Chroma", "Take another one: --chroma-port"))
    if options.mlflow_port is not None:
        needs.append(PortNeed(options.mlflow_port, "MLflow", "Take another one: --mlflow-port"))
    return needs


def require_chroma_port(config: ServeConfig, options: UpOptions) -> None:
    """Refuses to start Chroma where no application would look for it.

    Raises:
        CliError: The config names other ports of this machine, and not this one.
    """
    named = sorted(
        {port for port in map(_own_chroma_port, config.document["applications"]) if port}
    )
    if options.chroma_port is None or not named or options.chroma_port in named:
        return
    raise CliError(
        f"Chroma would start on port {options.chroma_port}, and {config.path.name} looks for it on "
        f"port {named[0]}",
        "Name one port in store.url and in --chroma-port, or use a Chroma that runs: --no-chroma",
    )


def _own_chroma_port(application: Mapping[str, Any]) -> int | None:
    """Returns the port at which an application looks for Chroma on this machine, if it does."""
    try:
        parts = urlsplit(application["args"]["store"]["url"])
        return parts.port if parts.hostname in _OWN_HOSTS else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None  # It has no store, or the check of its arguments says what is wrong.


def new_state(config: ServeConfig, ports: StackPorts) -> StackState:
    """Returns the record of a start before its first server, and makes its temporary folder."""
    dashboard_url = f"http://{LOOPBACK}:{ports.dashboard}"
    api_url = base_url(config.host, config.port)
    urls = {
        "Console": f"{api_url}/console",
        "API": api_url,
        "API docs": f"{api_url}/docs",
        "Ray dashboard": dashboard_url,
    }
    if config.grpc_port is not None:
        urls["gRPC"] = base_url(config.host, config.grpc_port).replace("http:", "grpc:")
    if ports.mlflow is not None:
        urls["MLflow"] = f"http://{LOOPBACK}:{ports.mlflow}"
    if ports.chroma is not None:
        urls["Chroma"] = f"http://{LOOPBACK}:{ports.chroma}"
    return StackState(
        instance=str(uuid.uuid4()),
        started_s=time.time(),
        # Not the system's temporary folder: on some it is too long for a socket's path. Closed to
        # other users, and with it all that is inside: Ray opens its own folder to everybody, and
        # HAProxy its admin socket.
        temp_dir=tempfile.mkdtemp(prefix="rag-", dir="/tmp"),
        api_url=api_url,
        api_port=config.port,
        dashboard_url=dashboard_url,
        urls=urls,
        ports=asdict(ports),
        versions={name: importlib.metadata.version(name) for name in ("ray", "chromadb", "mlflow")},
    )


def plan_servers(
    state: StackState,
    *,
    home: Home,
    ports: StackPorts,
    import_dir: Path,
    with_haproxy: bool,
    log_limits: LogLimits,
) -> list[ChildSpec]:
    """Returns the servers to start, the slowest first, and writes the secret they share.

    Args:
        state: The record of this start.
        home: The stack's folder, as an absolute path.
        ports: Where they listen.
        import_dir: Where the applications' code is looked up.
        with_haproxy: Whether HAProxy takes the requests, or Serve's own proxy.
        log_limits: Bounds of Ray's own logs.
    """
    token = new_token(home.ray_token)
    exports = shell_exports(
        token_file=home.ray_token,
        dashboard_url=state.dashboard_url,
        gcs_address=f"{LOOPBACK}:{ports.gcs}",
    )
    home.ray_exports.write_text(exports)
    cpu_count = os.cpu_count() or 1
    run_dir = Path(state.temp_dir)
    environment = ray_environment(
        instance=state.instance,
        token_file=home.ray_token,
        run_dir=run_dir,
        import_dir=import_dir,
        ports=ports,
        cpu_count=cpu_count,
        haproxy=write_launcher(run_dir) if with_haproxy else None,
        log_limits=log_limits,
    )
    environment |= gateway_environment(
        os.environ,
        admin_key=kept_token(home.admin_key),
        content_salt=kept_token(home.content_salt),
        key_pepper=kept_token(home.key_pepper),
        database=home.control_database,
        limits=home.limits_database,
        index=home.index,
    )
    specs = [
        ray_spec(
            ports=ports,
            temp_dir=state.ray_dir,
            cpu_count=cpu_count,
            token=token,
            environment=environment,
        )
    ]
    if ports.mlflow is not None:
        settings = mlflow_environment(instance=state.instance)
        specs.append(mlflow_spec(home, port=ports.mlflow, environment=settings))
    if ports.chroma is not None:
        settings = chroma_environment(os.environ, instance=state.instance)
        specs.append(chroma_spec(home, port=ports.chroma, environment=settings))
    return specs
